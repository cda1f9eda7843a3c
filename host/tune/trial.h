/* One problem set up on a device: settings are run on it, checked and timed. */
#ifndef RNCL_TUNE_TRIAL_H
#define RNCL_TUNE_TRIAL_H

#include "problem.h"

typedef struct rncl_trial rncl_trial;

/* Called with the first result of each run before it is checked: `count` values. For tests that plant faults;
 * NULL in use. */
typedef struct rncl_trial_hook {
    void (*result)(void *user, const rncl_setting *setting, float *values, size_t count);
    void *user;
} rncl_trial_hook;

/* Takes memory for the tensors, draws them from a normal distribution, and runs the presets: their results
 * are held against part of the same, computed by the host's reference, and are then what others are held
 * against in full. RNCL_ERR_WRONG_RESULT if even that is wrong. The context must outlive it. */
rncl_status rncl_trial_create(rncl_context *context, const rncl_problem *problem, const rncl_trial_hook *hook,
                              rncl_trial **out);
void rncl_trial_destroy(rncl_trial *trial);

/* Runs and checks one setting (NULL: the presets), then times it, with the packing of its weights: *time_ns
 * is that of one call. If the first call takes longer than `drop_ns` (0: any time will do), that is its time
 * and no more are made. RNCL_ERR_WRONG_RESULT if the result is wrong, RNCL_ERR_USAGE if the setting is not
 * possible here. */
rncl_status rncl_trial_run(rncl_trial *trial, const rncl_setting *setting, uint64_t drop_ns,
                           uint64_t *time_ns);

/* Times several settings, which have all been run before, in turns: the least time of each. */
rncl_status rncl_trial_compare(rncl_trial *trial, const rncl_setting *settings, size_t count,
                               uint64_t *times_ns);

#endif
