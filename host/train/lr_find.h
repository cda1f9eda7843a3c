/* The learning rate range test (Smith 2017, section 3.3): a short training whose rate rises from step to
 * step, as fastai's lr_find makes it. */
#ifndef RNCL_TRAIN_LR_FIND_H
#define RNCL_TRAIN_LR_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "context.h"
#include "options.h"

typedef struct rncl_lr_find {
    double *rates, *losses; /* [count], of each step, the rates rising */
    double *smoothed;       /* the losses, averaged over neighbouring steps */
    size_t count;
    size_t steepest, least; /* steps: where the smoothed loss falls fastest, and where it is least */
    double suggestion; /* a rate: a tenth of that with the least loss (fastai); NaN: the loss never fell */
    double end_rate;   /* that the last step was to have */
    double fall,
        scatter; /* how far the smoothed loss falls; standard deviation of the losses around it until then */
} rncl_lr_find;

/* Takes options->steps steps (100 unless the command line gives them, at least 10: RNCL_ERR_USAGE) as the
 * options say, at rates from 1e-5 to 10, and ends before that when the loss is four times its least, or not
 * finite. Begins with the weights of a new run, of --init, or of --resume, whose run stays as it is: no file
 * is written. `options` comes back complete. RNCL_ERR_INTERRUPTED when the listener asks for a stop. `out` is
 * to be freed in any case. */
rncl_status rncl_lr_find_run(rncl_context *context, rncl_options *options,
                             const rncl_train_listener *listener, rncl_lr_find *out);
void rncl_lr_find_fini(rncl_lr_find *found); /* harmless on a zeroed one */

/* Fills in all that follows from the losses: smoothed, steepest, least, suggestion, fall, scatter. */
void rncl_lr_find_judge(rncl_lr_find *found);
/* Whether the fall may be chance, so that the suggestion says nothing. */
bool rncl_lr_find_is_noise(const rncl_lr_find *found);

#endif
