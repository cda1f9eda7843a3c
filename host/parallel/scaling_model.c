/* Buckets are summed one after the other, none before it is ready. */
#include "scaling_model.h"

#include "ranks.h"
#include "util.h"

/* A message to each other rank. Those that are on their way together wait for the link's latency once, and
 * share its bandwidth. */
static double messages_ms(int ranks, double bytes, rncl_scaling_link link)
{
    const double bytes_ms = link.gbit_s * 1e9 / 8 / 1e3;
    const int waits = rncl_ceil_div(ranks - 1, RNCL_MESSAGES_AT_ONCE);
    return waits * link.latency_us / 1e3 + (ranks - 1) * bytes / bytes_ms;
}

rncl_scaling rncl_scaling_predict(const rncl_scaling_step *step, int ranks, rncl_scaling_link link)
{
    double end_ms = 0;
    for (size_t i = 0; i < step->count; i++) {
        const rncl_scaling_bucket *bucket = &step->buckets[i];
        end_ms = MAX(end_ms, bucket->ready_ms);
        end_ms += 2 * messages_ms(ranks, bucket->bytes / ranks, link); /* scatter, and gather */
    }
    const double results_ms = messages_ms(ranks, 0, link);
    const double exposed_ms = MAX(end_ms - step->backward_ms, 0) + results_ms;
    return (rncl_scaling){.step_ms = step->backward_ms + step->update_ms + exposed_ms,
                          .exposed_ms = exposed_ms};
}
