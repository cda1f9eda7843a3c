/* How fast training is, what of the time goes into waiting for data, and how long it will take. Evaluations
 * and checkpoints do not count as training. */
#ifndef RNCL_TRAIN_PACE_H
#define RNCL_TRAIN_PACE_H

#include <stdint.h>

/* Sums over steps. */
typedef struct rncl_pace_sums {
    uint64_t time_ns, waited_ns;
    int64_t steps;
} rncl_pace_sums;

typedef struct rncl_pace {
    uint64_t start_ns,
        first_step_ns; /* first_step_ns: from the start to the end of the first step; 0 before */
    int64_t steps;     /* of this process */
    uint64_t mark_ns, waited_mark_ns; /* of the last step, or the end of the last pause */
    rncl_pace_sums all, interval;     /* of this process, the first step aside; since rncl_pace_interval */
} rncl_pace;

/* `now_ns` is rncl_time_ns(), `waited_ns` what the loader has waited so far. */
void rncl_pace_start(rncl_pace *pace, uint64_t now_ns);
void rncl_pace_step(rncl_pace *pace, uint64_t now_ns, uint64_t waited_ns);
/* Training goes on after a pause, or begins. */
void rncl_pace_go(rncl_pace *pace, uint64_t now_ns);

/* The sums since the last call. */
rncl_pace_sums rncl_pace_interval(rncl_pace *pace);

double rncl_pace_seconds(const rncl_pace *pace, uint64_t now_ns); /* since the start */
double rncl_pace_steps_per_second(const rncl_pace_sums *sums);    /* 0 without a step */
double rncl_pace_waiting(const rncl_pace_sums *sums);             /* share, 0 to 1 */

#endif
