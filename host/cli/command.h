/* What a subcommand is. */
#ifndef RNCL_CLI_COMMAND_H
#define RNCL_CLI_COMMAND_H

#include "options.h"
#include "status.h"

enum { RNCL_COMMAND_DEFAULTS = 2 };

typedef struct rncl_command {
    const char *name, *summary; /* NULL: not for people */
    const char *example;        /* one that runs as it stands, or nearly */
    unsigned bit;               /* RNCL_FOR_…: which rows of the option table it takes */
    rncl_status (*run)(rncl_options *options);
    /* Where its defaults are not those of the option table. */
    struct {
        const char *option, *text;
    } defaults[RNCL_COMMAND_DEFAULTS];
    const char *argument;  /* the option that an argument without a name sets; NULL: there is none */
    bool many_options;     /* --help explains the common ones, --help-all all of them */
    const char *arguments; /* what any number of them are, for options->arguments; NULL: there are none */
    bool lists; /* options that a run's config.ini has take lists of values here, which go to options->grid */
} rncl_command;

/* All of them, in the order of help. */
extern const rncl_command rncl_commands[];
extern const size_t rncl_command_count;

/* One file each. They print to standard output what was asked for; a failure is returned, for main to print.
 */
rncl_status rncl_devices_run(rncl_options *options);
rncl_status rncl_doctor_run(rncl_options *options);
rncl_status rncl_info_run(rncl_options *options);
rncl_status rncl_check_command_run(rncl_options *options);
rncl_status rncl_train_run(rncl_options *options);
rncl_status rncl_sweep_run(rncl_options *options);
rncl_status rncl_eval_run(rncl_options *options);
rncl_status rncl_predict_run(rncl_options *options);
rncl_status rncl_bench_run(rncl_options *options);
rncl_status rncl_check_data_run(rncl_options *options);
rncl_status rncl_watch_run(rncl_options *options);
rncl_status rncl_report_run(rncl_options *options);
rncl_status rncl_plot_run(rncl_options *options);
rncl_status rncl_kernels_run(rncl_options *options);
rncl_status rncl_export_run(rncl_options *options);
rncl_status rncl_completion_run(rncl_options *options);
rncl_status rncl_man_pages_run(rncl_options *options);
rncl_status rncl_tune_run(rncl_options *options);
rncl_status rncl_tune_worker_run(rncl_options *options);

/* Trials of tuning run in child processes of this very program, unless --tune-program names another. */
void rncl_command_tunes(rncl_options *options);

#endif
