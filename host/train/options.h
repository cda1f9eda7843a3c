/* Everything that the command line and config.ini can say: one struct, and one table that names, documents,
 * parses and prints each field. */
#ifndef RNCL_TRAIN_OPTIONS_H
#define RNCL_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "graph.h"
#include "loader.h"
#include "matrix_unit.h"
#include "rncl/rncl.h"
#include "status.h"

typedef enum rncl_schedule_kind {
    RNCL_SCHEDULE_PLATEAU, /* divide by 10 when the validation error stops improving (He et al. 2015,
                              section 3.4) */
    RNCL_SCHEDULE_STEP,    /* divide by 10 at --lr-steps */
    RNCL_SCHEDULE_COSINE,
    RNCL_SCHEDULE_CONSTANT,
} rncl_schedule_kind;

/* Which commands take an option. */
enum {
    RNCL_FOR_TRAIN = 1,
    RNCL_FOR_EVAL = 2,
    RNCL_FOR_BENCH = 4,
    RNCL_FOR_INFO = 8,
    RNCL_FOR_CHECK = 16,
    RNCL_FOR_DEVICES = 32,
    RNCL_FOR_CHECK_DATA = 64,
    RNCL_FOR_PREDICT = 128,
    RNCL_FOR_TUNE = 256,
    RNCL_FOR_TUNE_WORKER = 512,
    RNCL_FOR_PLOT = 1024,
    RNCL_FOR_KERNELS = 1 << 11,
    RNCL_FOR_DOCTOR = 1 << 12,
    RNCL_FOR_EXPORT = 1 << 14,
    RNCL_FOR_COMPLETION = 1 << 15,
    RNCL_FOR_MAN_PAGES = 1 << 16,
    RNCL_FOR_WATCH = 1 << 17,
    RNCL_FOR_REPORT = 1 << 18,
    RNCL_FOR_SWEEP = 1 << 19,
    RNCL_FOR_LIBRARY = RNCL_FOR_TRAIN | RNCL_FOR_EVAL | RNCL_FOR_PREDICT | RNCL_FOR_TUNE | RNCL_FOR_CHECK,
    RNCL_FOR_NETWORKS = RNCL_FOR_TRAIN | RNCL_FOR_EVAL | RNCL_FOR_PREDICT | RNCL_FOR_BENCH | RNCL_FOR_TUNE |
                        RNCL_FOR_INFO | RNCL_FOR_KERNELS | RNCL_FOR_EXPORT,
};

/* Of --max-launch-ms: no limit. */
enum { RNCL_LONGEST_LAUNCH_MS = 60000 };

/* Room for that many rows of the table. */
enum { RNCL_MOST_OPTIONS = 128 };

/* Where a value came from, weakest first. */
typedef enum rncl_option_source {
    RNCL_FROM_DEFAULT,
    RNCL_FROM_CONFIG,
    RNCL_FROM_COMMAND_LINE,
} rncl_option_source;

typedef struct rncl_options {
    char device[RNCL_TEXT_LENGTH];
    char config[RNCL_TEXT_LENGTH];
    bool json;

    rncl_network_options network; /* image and classes 0: from the data */

    char data[RNCL_TEXT_LENGTH]; /* "": the built-in shapes */
    char out[RNCL_TEXT_LENGTH];  /* "": runs/DATE-ARCH-DEPTH */
    char resume[RNCL_TEXT_LENGTH], init[RNCL_TEXT_LENGTH], model[RNCL_TEXT_LENGTH];
    bool adapt_stem;               /* convert a model's first convolution to the channels of the pictures */
    char labels[RNCL_TEXT_LENGTH]; /* eval, predict: file of class names; "": the model's */
    int epochs, steps;             /* steps > 0 wins */
    int batch_size, micro_batch;   /* micro_batch 0: auto */
    float lr, momentum, weight_decay;
    bool lr_find; /* a search for the rate, in place of the training */
    rncl_schedule_kind schedule;
    bool zero_init_residual;
    bool sync_bn;                    /* batch statistics of all ranks' pictures */
    char lr_steps[RNCL_TEXT_LENGTH]; /* "0.5,0.75" of the run, or steps, after which `step` divides by 10 */
    int patience;                    /* plateau: evaluations without improvement */
    int warmup_steps;
    float warmup_lr; /* 0: rising to lr */
    float label_smoothing;
    char freeze[RNCL_TEXT_LENGTH];        /* layers; "": none */
    float mixup;                          /* alpha; 0: none */
    char class_weights[RNCL_TEXT_LENGTH]; /* "": none */
    float ema;                            /* decay of averaged weights; 0: none */
    int early_stop;                       /* evaluations without improvement; 0: never */
    rncl_augment augment;
    float color_jitter[4]; /* brightness, contrast, saturation */
    float lighting;
    bool shuffle;
    float val_split;
    bool skip_bad;    /* files that are no pictures, or damaged */
    bool exif;        /* pictures are turned as EXIF says */
    int cache_memory; /* MiB of decoded pictures; 0: what the machine can spare */
    uint64_t seed;
    int workers;                            /* 0: as many as the loader sees fit */
    float eval_every;                       /* epochs */
    int checkpoint_every;                   /* steps; 0: by time */
    int keep;                               /* checkpoints */
    bool rollback;                          /* after a divergence; otherwise the run stops */
    bool force_resume;                      /* although the data have changed */
    float time_limit;                       /* seconds; 0: none */
    bool tensorboard;                       /* event files in the run folder */
    float mean[4], std[4];                  /* as long as nobody has given them: the data set's own */
    char algorithm[RNCL_TEXT_LENGTH];       /* of the convolutions; "": tuned, or the device's default */
    bool winograd;                          /* may be among them */
    char kernel_binaries[RNCL_TEXT_LENGTH]; /* folder of programs compiled ahead of time; "": none */
    rncl_precision precision;
    int max_launch_ms; /* 0: what suits the device */
    bool tune;         /* train: what has not been tuned, briefly, before the first step */
    float budget;      /* seconds */
    bool retune;
    char tune_program[RNCL_TEXT_LENGTH]; /* tries kernels in child processes; "": tuning.h says which */
    float spot_checks;                   /* percent of the time; 0: none */
    bool self_test;                      /* train, eval: check the device first */
    bool verbose;

    char operation[RNCL_TEXT_LENGTH]; /* check: the only one; "": all */
    int shapes;                       /* check: random ones of each operation */

    int crops;                     /* eval: of each picture, 1 or 10 */
    char report[RNCL_TEXT_LENGTH]; /* eval: folder for tables of classes; "": none */

    int top;                        /* predict: classes of each picture */
    bool logits, csv;               /* predict */
    bool inference;                 /* bench: forward only */
    char explain[RNCL_TEXT_LENGTH]; /* bench: file for the roofline; "": none */
    bool plot_loss;                 /* plot: losses and not errors */
    int plot_x;                     /* plot: 0 steps, 1 epochs, 2 time */
    char grid[RNCL_TEXT_LENGTH]; /* sweep: "lr=0.1,0.05 seed=1,2", no option: what the command's lists say */
    char plot_filters[RNCL_TEXT_LENGTH]; /* plot: model; "": none */
    char plot_tuning[RNCL_TEXT_LENGTH];  /* plot: file of tuning results; "": none */
    char **arguments;                    /* predict: the pictures; plot: the runs; the command line's own */
    int argument_count;

    char onnx[RNCL_TEXT_LENGTH];    /* export: file; "": none */
    char pytorch[RNCL_TEXT_LENGTH]; /* export: file; "": none */
    int opset;                      /* export: of ONNX */
    bool fold_bn, normalise;        /* export */

    /* Images in memory, in place of `data`; no options, but handed over with them. pixels and read NULL:
     * there are none. */
    rncl_image_set training_images, validation_images;

    unsigned char source[RNCL_MOST_OPTIONS]; /* rncl_option_source of each row of the table */
} rncl_options;

typedef enum rncl_option_kind {
    RNCL_OPTION_TEXT,
    RNCL_OPTION_INT,
    RNCL_OPTION_FLOAT,
    RNCL_OPTION_SEED,   /* uint64_t */
    RNCL_OPTION_SWITCH, /* bool given as on|off, or without a value: on; or as its two `choices`, false first
                         */
    RNCL_OPTION_FLAG,   /* bool without a value */
    RNCL_OPTION_CHOICE, /* int or int-sized enum, named by `choices` */
    RNCL_OPTION_FLOATS, /* up to 4 floats, comma-separated; one value fills all */
} rncl_option_kind;

/* What options are about; help lists them so. */
typedef enum rncl_option_group {
    RNCL_GROUP_DATA,
    RNCL_GROUP_NETWORK,
    RNCL_GROUP_OPTIMISATION,
    RNCL_GROUP_REGULARISATION,
    RNCL_GROUP_AUGMENTATION,
    RNCL_GROUP_FINE_TUNING,
    RNCL_GROUP_RUN,
    RNCL_GROUP_DEVICE,
    RNCL_GROUP_OUTPUT,
    RNCL_GROUP_COUNT
} rncl_option_group;

typedef struct rncl_option {
    const char *name; /* "batch-size" */
    rncl_option_group group;
    bool common; /* one of the few that short help explains */
    rncl_option_kind kind;
    size_t offset;              /* into rncl_options */
    const char *value;          /* placeholder in help: "N"; for choices built from `choices` */
    const char *default_text;   /* parsed at start and shown in help; NULL: none */
    const char *const *choices; /* NULL-terminated, in the enum's order */
    const int *choice_values;   /* what the choices stand for; NULL: 0, 1, 2 … */
    const char *zero;           /* INT: a word for 0, such as "auto"; NULL: none */
    double least, most;         /* of numbers */
    unsigned commands;          /* RNCL_FOR_… */
    bool in_config;             /* written to config.ini */
    bool is_path;               /* there as an absolute one */
    bool may_be_empty;          /* on the command line, to undo what the config file says */
    bool prints;                /* says only how the command line prints; not for the library */
    const char *help;
} rncl_option;

extern const rncl_option rncl_option_table[];
extern const size_t rncl_option_count;

/* All defaults; RNCL_DEVICE and RNCL_KERNEL_BINARIES from the environment are those of `device` and
 * `kernel_binaries`. */
void rncl_options_init(rncl_options *options);

/* Sets one option from text. RNCL_ERR_USAGE with the range, the choices and the nearest one when it does not
 * parse. A value from a weaker source than the one in place is ignored. */
rncl_status rncl_options_set(rncl_options *options, const rncl_option *option, const char *text,
                             rncl_option_source source);

/* The row of that name that `commands` take; NULL if there is none. */
const rncl_option *rncl_option_find(const char *name, unsigned commands);

/* The one of `names` that `name` was meant for: what other programs call that option, or the nearest by its
 * letters. NULL if none is near. */
const char *rncl_option_nearest(const char *name, const char *const *names, size_t count);

/* RNCL_ERR_USAGE for a name that no row of `commands` has, naming the nearest one. */
rncl_status rncl_option_unknown(const char *name, unsigned commands);

/* Where the row's value came from. */
rncl_option_source rncl_option_source_of(const rncl_options *options, const char *name);

/* Reads FILE.ini (inih; sections are for the reader's eye only). Unknown names are RNCL_ERR_USAGE with the
 * nearest. */
rncl_status rncl_options_read(rncl_options *options, const char *path, unsigned commands);
/* The same for option `config`: a file that cannot be read is as wrong as a value in it, RNCL_ERR_USAGE. */
rncl_status rncl_options_take_config(rncl_options *options, const char *path, unsigned commands);

/* Writes all rows with in_config; reading it back gives the same options, in whatever folder. */
rncl_status rncl_options_write(const rncl_options *options, const char *path);

/* One row's value as text, as rncl_options_set takes it. */
void rncl_option_format(const rncl_options *options, const rncl_option *option, char *text, size_t size);

#endif
