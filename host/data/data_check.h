/* Everything that is wrong with a data set, found before a long run instead of in it. */
#ifndef RNCL_DATA_DATA_CHECK_H
#define RNCL_DATA_DATA_CHECK_H

#include <stdint.h>

#include "dataset.h"
#include "defects.h"

typedef struct rncl_data_summary {
    const char *format;
    int classes;
    uint32_t training, validation;      /* pictures, without those that are bad */
    uint32_t least_height, least_width; /* of any picture; all 0 if there is none */
    uint32_t greatest_height, greatest_width;
    char *training_path,
        *validation_path; /* of class folders; owned. NULL: a share of training, another format */
    uint32_t turned;      /* pictures that are not stored upright, by their EXIF data */
} rncl_data_summary;

typedef struct rncl_data_check_options {
    const char *path;
    float val_split;
    int classes;         /* as in rncl_dataset_options */
    int workers;         /* threads that decode; 0: one for each processor */
    const rncl_log *log; /* told what of the layout was not taken literally; may be NULL */
    /* Told now and then, on the calling thread; may be NULL. */
    void (*progress)(void *user, uint32_t done, uint32_t count);
    void *user;
} rncl_data_check_options;

void rncl_data_summary_fini(rncl_data_summary *summary);

/* Decodes every picture. Problems are in the order of the names, however many threads there are. A set that
 * cannot be opened at all is a failure, as it is for training. The caller releases `summary` and `defects`,
 * also after a failure. */
rncl_status rncl_data_check(const rncl_data_check_options *options, rncl_data_summary *summary,
                            rncl_defects *defects);

#endif
