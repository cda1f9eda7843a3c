/* Shares of ranks. Measured ones differ from one time to the next, and bits with them: the options keep them,
 * so that a run that is resumed has them again. */
#include "training_shares.h"

#include <stdio.h>
#include <string.h>

#include "batch_search.h"
#include "number.h"
#include "shares.h"
#include "util.h"

static bool is_measured(const rncl_options *options)
{
    return strcmp(options->shares, "auto") == 0;
}

static rncl_status check_text(const char *text)
{
    if (strcmp(text, "equal") == 0 || strcmp(text, "auto") == 0 || rncl_shares_count(text))
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--shares %.100s: give equal, auto, or a positive whole number for each rank: 3,1",
                     text);
}

void rncl_training_settle_shares(const rncl_training *t, rncl_options *options)
{
    const int kept = rncl_shares_count(options->shares), ranks = rncl_ranks_count(t->ranks);
    if (!options->resume[0] || ranks == 1 || !kept || kept == ranks ||
        rncl_option_source_of(options, "shares") != RNCL_FROM_CONFIG)
        return;
    if (rncl_ranks_first(t->ranks))
        rncl_log_line(&t->context->log, RNCL_LOG_NOTE,
                      "the shares of %d ranks are not for %d: they are measured anew", kept, ranks);
    snprintf(options->shares, sizeof options->shares, "auto");
}

rncl_status rncl_training_take_share(rncl_training *t)
{
    const int batch = t->options->batch_size, ranks = rncl_ranks_count(t->ranks);
    const char *text = t->options->shares;
    RNCL_TRY(check_text(text));
    if (batch < ranks)
        return RNCL_FAIL(RNCL_ERR_USAGE, "a batch of %d for %d ranks: give a larger --batch-size", batch,
                         ranks);
    const int given = rncl_shares_count(text);
    t->share = rncl_ranks_share(t->ranks, batch);
    if (ranks == 1 || !given)
        return RNCL_OK;
    if (given != ranks)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--shares %.100s: for %d ranks, not for %d", text, given, ranks);
    return rncl_shares_cut(text, batch, t->ranks->index, &t->share);
}

/* ---- measuring ---- */

static void say(const rncl_training *t, const double *speeds)
{
    char text[RNCL_TEXT_LENGTH];
    size_t length = 0;
    for (int i = 0; i < t->ranks->count && length < sizeof text; i++)
        length += (size_t)rncl_number_format(text + length, sizeof text - length, "%s%.4g", i ? ", " : "",
                                             speeds[i]);
    rncl_log_line(&t->context->log, RNCL_LOG_NOTE, "shares    %s (images/s: %s)", t->options->shares, text);
}

rncl_status rncl_training_measure_shares(rncl_training *t, rncl_options *options)
{
    rncl_batch_speed speed = {.batch = t->share.count};
    const void *speeds;
    if (rncl_ranks_count(t->ranks) == 1 || !is_measured(options))
        return RNCL_OK;
    RNCL_TRY(rncl_ranks_agree(t->ranks, RNCL_OK)); /* so that they begin together */
    RNCL_TRY(rncl_ranks_agree(t->ranks, rncl_batch_measure(t, &speed)));
    RNCL_TRY(rncl_ranks_gather(t->ranks, &speed.images_per_second, sizeof speed.images_per_second, &speeds));
    rncl_status st = rncl_shares_of_speeds(speeds, t->ranks->count, options->batch_size, options->shares,
                                           sizeof options->shares);
    if (!st && rncl_ranks_first(t->ranks))
        say(t, speeds);
    if (!st)
        st = rncl_training_take_share(t);
    rncl_pace_start(&t->pace, rncl_time_ns());
    return rncl_ranks_agree(t->ranks, st);
}

/* ---- cutting ---- */

rncl_loader_options rncl_training_loader(const rncl_training *t, rncl_loader_options loader)
{
    loader.start += (uint64_t)t->share.first;
    loader.stride = (uint64_t)loader.batch_size;
    loader.batch_size = t->share.count;
    return loader;
}

/* Whether a micro-batch is one of all ranks together, as its statistics are. */
static bool has_common_turns(const rncl_training *t)
{
    return t->options->sync_bn && rncl_ranks_count(t->ranks) > 1;
}

int rncl_training_micro_batch(const rncl_training *t, int micro_batch)
{
    if ((rncl_ranks_count(t->ranks) == 1 && !t->options->resume[0]) || micro_batch == 0)
        return micro_batch;
    if (has_common_turns(t)) {
        const int turns = MAX(t->options->batch_size / micro_batch, 1);
        micro_batch = t->share.count / turns;
    }
    micro_batch = MAX(MIN(micro_batch, t->share.count), 1);
    while (t->share.count % micro_batch)
        micro_batch--;
    return micro_batch;
}

rncl_status rncl_training_kept_micro_batch(rncl_training *t, int *micro_batch)
{
    const rncl_network_facts *facts = rncl_network_facts_of(t->network);
    const void *gathered;
    *micro_batch = t->options->batch_size / (facts->batch_size / facts->micro_batch);
    if (has_common_turns(t))
        return RNCL_OK;
    RNCL_TRY(rncl_ranks_gather(t->ranks, &facts->micro_batch, sizeof facts->micro_batch, &gathered));
    const int *all = gathered;
    *micro_batch = 0;
    for (int i = 0; i < rncl_ranks_count(t->ranks); i++)
        *micro_batch = MAX(*micro_batch, all[i]);
    return RNCL_OK;
}
