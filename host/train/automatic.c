/* Batch size and learning rate where they are not given. */
#include "automatic.h"

enum { LEAST_BATCH = 2, MOST_BATCH = 256, LEAST_STEPS = 8 };

int rncl_automatic_batch(uint32_t pictures)
{
    int batch = LEAST_BATCH;
    while (batch < MOST_BATCH && (uint32_t)batch * 2 * LEAST_STEPS <= pictures)
        batch *= 2;
    return batch;
}

void rncl_automatic_settle(rncl_options *options)
{
    if (!options->batch_size)
        options->batch_size = MOST_BATCH;
}

bool rncl_automatic_is_batch(const rncl_options *options)
{
    return rncl_option_source_of(options, "batch-size") == RNCL_FROM_DEFAULT;
}

bool rncl_automatic_is_lr(const rncl_options *options)
{
    return rncl_option_source_of(options, "lr") == RNCL_FROM_DEFAULT;
}

bool rncl_automatic_is_measured(const rncl_options *options)
{
    return !options->batch_size && !rncl_automatic_is_batch(options);
}

void rncl_automatic_complete(rncl_options *options, uint32_t pictures)
{
    if (!options->batch_size || rncl_automatic_is_batch(options))
        options->batch_size = rncl_automatic_batch(pictures);
    if (rncl_automatic_is_lr(options))
        options->lr = 0.1f * (float)options->batch_size / MOST_BATCH;
}
