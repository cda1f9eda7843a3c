/* The page of a run. */
#ifndef RNCL_CLI_REPORT_PAGE_H
#define RNCL_CLI_REPORT_PAGE_H

#include "followed_run.h"
#include "trainer.h"
#include "worst.h"

/* What there is to tell. */
typedef struct rncl_report {
    const rncl_followed_run *run;
    const rncl_options *options; /* of the run; model: its best weights, "": it has none */
    char missing[512];           /* why the model has not been evaluated; "": it has */
    rncl_evaluation result;
    rncl_confusion confusion; /* of the evaluation */
    rncl_worst worst;
} rncl_report;

/* Writes the page whole or leaves the old one. What cannot be shown is said in the page. RNCL_ERR_IO,
 * RNCL_ERR_MEMORY. */
rncl_status rncl_report_page_write(const rncl_report *report, const char *path);

#endif
