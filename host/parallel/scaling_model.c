/* Buckets are summed one after the other, none before it is ready. */
#include "scaling_model.h"

#include "util.h"

/* One after the other, as many messages as there are other ranks. */
static double rounds_ms(int ranks, double bytes, rncl_scaling_link link)
{
    const double bytes_ms = link.gbit_s * 1e9 / 8 / 1e3;
    return (ranks - 1) * (link.latency_us / 1e3 + bytes / bytes_ms);
}

rncl_scaling rncl_scaling_predict(const rncl_scaling_step *step, int ranks, rncl_scaling_link link)
{
    double end_ms = 0;
    for (size_t i = 0; i < step->count; i++) {
        const rncl_scaling_bucket *bucket = &step->buckets[i];
        end_ms = MAX(end_ms, bucket->ready_ms);
        end_ms += 2 * rounds_ms(ranks, bucket->bytes / ranks, link); /* scatter, and gather */
    }
    const double results_ms = rounds_ms(ranks, 0, link);
    const double exposed_ms = MAX(end_ms - step->backward_ms, 0) + results_ms;
    return (rncl_scaling){.step_ms = step->backward_ms + step->update_ms + exposed_ms,
                          .exposed_ms = exposed_ms};
}
