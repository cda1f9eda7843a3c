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

/* Allocates the tensors, fills them with normal numbers and runs the presets. A part of the presets'
 * results is compared with the host's reference; results of other settings are then compared with all of
 * them. RNCL_ERR_WRONG_RESULT if the presets' are wrong. The context must outlive the trial. */
rncl_status rncl_trial_create(rncl_context *context, const rncl_problem *problem, const rncl_trial_hook *hook,
                              rncl_trial **out);
void rncl_trial_destroy(rncl_trial *trial);

/* Runs and checks one setting (NULL: the presets), then times it together with the packing of its weights;
 * *time_ns is the time of one call. If the first call takes longer than `drop_ns` (0: no limit), that is
 * the result and no more calls are made. RNCL_ERR_WRONG_RESULT if the result is wrong, RNCL_ERR_USAGE if
 * the setting is not possible for this problem and device. */
rncl_status rncl_trial_run(rncl_trial *trial, const rncl_setting *setting, uint64_t drop_ns,
                           uint64_t *time_ns);

/* Times several settings in turns, and returns the least time of each. All must have been run before. */
rncl_status rncl_trial_compare(rncl_trial *trial, const rncl_setting *settings, size_t count,
                               uint64_t *times_ns);

#endif
