/* Puts a training together from its options, and takes it apart. */
#include "training.h"

#include <stdlib.h>
#include <string.h>

#include "announce.h"
#include "automatic.h"
#include "batch_memory.h"
#include "batch_search.h"
#include "class_weights.h"
#include "file.h"
#include "planning.h"
#include "run_data.h"
#include "run_folder.h"
#include "self_test.h"
#include "training_ranks.h"
#include "training_shares.h"
#include "tuning.h"
#include "util.h"

/* ---- options ---- */

/* Of two options that exclude each other, the one from the stronger source wins. */
static bool stronger(const rncl_options *options, const char *one, const char *other)
{
    return rncl_option_source_of(options, one) > rncl_option_source_of(options, other);
}

static void settle_conflicts(rncl_options *options)
{
    if (stronger(options, "epochs", "steps"))
        options->steps = 0;
    /* The micro-batch of a config.ini was found for its batch size. */
    if (stronger(options, "batch-size", "micro-batch"))
        options->micro_batch = 0;
}

static int64_t count_steps(const rncl_options *options, uint32_t pictures)
{
    if (options->steps)
        return options->steps;
    const int64_t all = (int64_t)options->epochs * pictures;
    return (all + options->batch_size - 1) / options->batch_size;
}

/* What must be the same for a checkpoint to continue, beside the data: the network, and in which order
 * pictures come. */
static uint64_t take_fingerprint(const rncl_training *t)
{
    const rncl_options *options = t->options;
    const rncl_network_options *network = &t->graph->options;
    const uint64_t numbers[] = {
        (uint64_t)network->arch,          (uint64_t)network->depth,     (uint64_t)network->shortcut,
        (uint64_t)network->bottleneck_v1, (uint64_t)network->stem_pool, (uint64_t)network->image,
        (uint64_t)network->channels,      (uint64_t)network->classes,   (uint64_t)options->batch_size,
        (uint64_t)options->augment,       (uint64_t)options->shuffle,   options->seed,
    };
    const float shares[] = {options->val_split, options->color_jitter[0], options->color_jitter[1],
                            options->color_jitter[2], options->lighting};
    const uint64_t hash = rncl_hash(RNCL_HASH_START, numbers, sizeof numbers);
    return rncl_hash(hash, shares, sizeof shares);
}

/* ---- putting together ---- */

static rncl_status tune_here(rncl_training *t, const rncl_options *options)
{
    rncl_options mine = *options;
    rncl_tuning tuning;
    mine.batch_size = t->share.count;
    RNCL_TRY(rncl_tuning_run(t->context, &mine, RNCL_TUNING_BRIEF_SECONDS, &tuning));
    rncl_tuning_fini(&tuning);
    return RNCL_OK;
}

/* For a network that nobody has tuned: the worst of the presets, in a minute. It is no part of the time of
 * training. Each kind of device is tuned by one rank; the others read its results. */
static rncl_status tune_briefly(rncl_training *t, const rncl_options *options)
{
    bool first;
    RNCL_TRY(rncl_training_first_of_kind(t, &first));
    const rncl_status st = first ? tune_here(t, options) : RNCL_OK;
    rncl_pace_start(&t->pace, rncl_time_ns());
    return rncl_ranks_agree(t->ranks, st);
}

/* Whether --class-weights names a file that the run has no copy of. */
static bool takes_class_weights(const rncl_options *options)
{
    return rncl_class_weights_is_file(options->class_weights) &&
           (!options->resume[0] || rncl_option_source_of(options, "class-weights") == RNCL_FROM_COMMAND_LINE);
}

/* A run that is resumed has its own copy of the file, which may have changed or gone. */
static rncl_status find_class_weights(const rncl_options *options, char path[RNCL_TEXT_LENGTH])
{
    char copy[RNCL_TEXT_LENGTH];
    memcpy(path, options->class_weights, RNCL_TEXT_LENGTH);
    if (!rncl_class_weights_is_file(path) || takes_class_weights(options))
        return RNCL_OK;
    RNCL_TRY(rncl_run_folder_path(options, RNCL_RUN_CLASS_WEIGHTS, copy));
    if (rncl_file_may_exist(copy))
        memcpy(path, copy, sizeof copy);
    return RNCL_OK;
}

static rncl_status copy_class_weights(const rncl_options *options)
{
    char copy[RNCL_TEXT_LENGTH];
    if (!takes_class_weights(options))
        return RNCL_OK;
    RNCL_TRY(rncl_run_folder_path(options, RNCL_RUN_CLASS_WEIGHTS, copy));
    return rncl_file_copy(options->class_weights, copy);
}

static rncl_status prepare_inputs(rncl_training *t, rncl_options *options)
{
    RNCL_TRY(rncl_inputs_open(options, true, &t->context->log, &t->inputs));
    RNCL_TRY(rncl_inputs_complete(&t->inputs, options));
    rncl_automatic_complete(options, t->inputs.training->info.count);
    rncl_training_settle_shares(t, options);
    return rncl_training_take_share(t);
}

/* Rank 0 knows what the run folder has. */
static rncl_status prepare_tuning(rncl_training *t, const rncl_options *options)
{
    t->tuning_kept = rncl_training_has_tuning(options);
    bool wanted = options->tune && !t->tuning_kept;
    RNCL_TRY(rncl_ranks_cast(t->ranks, &wanted, sizeof wanted));
    return wanted ? tune_briefly(t, options) : RNCL_OK;
}

static rncl_status find_batch(rncl_training *t, rncl_options *options)
{
    if (rncl_ranks_count(t->ranks) > 1)
        return RNCL_FAIL(
            RNCL_ERR_USAGE,
            "--batch-size auto measures one device: with several ranks give a number, or leave it away");
    RNCL_TRY(rncl_batch_search(t, options));
    return rncl_training_take_share(t);
}

static rncl_status prepare_graph(rncl_training *t, rncl_options *options, bool measured)
{
    RNCL_TRY(rncl_graph_build(&options->network, &t->graph));
    rncl_graph_align(t->graph, t->context->info.address_alignment);
    RNCL_TRY(rncl_graph_freeze(t->graph, options->freeze));
    if (measured)
        RNCL_TRY(find_batch(t, options));
    const rncl_dataset_info *info = &t->inputs.training->info;
    t->steps = count_steps(options, info->count);
    t->fingerprint = take_fingerprint(t);
    t->data = rncl_run_data_of(&t->inputs);
    memcpy(t->meta.mean, options->mean, sizeof t->meta.mean);
    memcpy(t->meta.std, options->std, sizeof t->meta.std);
    t->meta.labels = (char **)(uintptr_t)info->labels; /* only read */
    t->meta.label_count = info->labels ? info->classes : 0;
    char weights[RNCL_TEXT_LENGTH];
    RNCL_TRY(find_class_weights(options, weights));
    RNCL_TRY(
        rncl_class_weights_make(weights, t->inputs.training, t->graph->options.classes, &t->class_weights));
    return rncl_schedule_init(options, t->steps, &t->schedule);
}

rncl_status rncl_training_open_loader(rncl_training *t)
{
    const uint64_t start = (uint64_t)t->state.step * (uint64_t)t->options->batch_size;
    rncl_loader_options loader = rncl_training_loader(t, rncl_inputs_training(&t->inputs, t->options, start));
    loader.yields = t->context->info.type == RNCL_DEVICE_CPU;
    loader.memory = rncl_batch_memory_of(t->context);
    return rncl_loader_create(&loader, &t->loader);
}

/* The network with its weights, tested; with smaller micro-batches where the device runs out of memory. */
static rncl_status make_network(rncl_training *t, rncl_network_setup *setup)
{
    for (;;) {
        RNCL_TRY(rncl_network_create(t->context, setup, &t->network));
        rncl_status st = t->options->self_test ? rncl_self_test(t->context, t->network) : RNCL_OK;
        if (!st)
            st = rncl_network_write(t->network, &t->vectors);
        if (st != RNCL_ERR_DEVICE_MEMORY)
            return st;
        const int micro_batch = rncl_network_facts_of(t->network)->micro_batch;
        setup->micro_batch = rncl_network_smaller(t->context, setup->batch_size, micro_batch);
        if (!setup->micro_batch)
            return st;
        rncl_network_destroy(t->network);
        t->network = NULL;
    }
}

static void announce(void *user, const rncl_network_facts *facts)
{
    rncl_announce_plan(user, facts);
}

/* The loader comes first: its workers fill the ring while kernels are compiled. */
static rncl_status prepare_network(rncl_training *t, int micro_batch)
{
    const rncl_options *options = t->options;
    RNCL_TRY(rncl_training_open_loader(t));
    rncl_network_setup setup = {
        .graph = t->graph,
        .batch_size = t->share.count,
        .micro_batch = rncl_training_micro_batch(t, micro_batch),
        .training = true,
        .logits = options->tensorboard,
        .averaged = options->ema > 0,
        .mixup = options->mixup > 0,
        .label_smoothing = options->label_smoothing,
        .class_weights = t->class_weights,
        .others = rncl_training_others(t),
        .planned = announce,
        .user = t,
    };
    RNCL_TRY(rncl_training_open_store(t));
    rncl_planning_apply(options, t->store, &setup);
    RNCL_TRY(make_network(t, &setup));
    if (!(options->spot_checks > 0))
        return RNCL_OK;
    return rncl_spot_checks_create(t->network, 0.01 * (double)options->spot_checks, options->seed,
                                   &t->checks);
}

/* What the network needs beside itself. */
static void close_network(rncl_training *t)
{
    rncl_network_destroy(t->network); /* before those whose memory it may be using */
    rncl_spot_checks_destroy(t->checks);
    rncl_store_close(t->store);
    rncl_loader_destroy(t->loader);
    t->network = NULL;
    t->checks = NULL;
    t->store = NULL;
    t->loader = NULL;
}

static rncl_status write_config(const rncl_options *options)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(options, RNCL_RUN_CONFIG, path));
    return rncl_options_write(options, path);
}

static rncl_status make_folder(rncl_training *t, rncl_options *options)
{
    RNCL_TRY(rncl_run_folder_create(options, &t->context->log, &t->lock));
    if (!options->data[0] && !rncl_inputs_in_memory(options)) /* config.ini says what the run is made with */
        memcpy(options->data, RNCL_DATA_BUILT_IN, sizeof RNCL_DATA_BUILT_IN);
    RNCL_TRY(write_config(options));
    RNCL_TRY(copy_class_weights(options));
    RNCL_TRY(rncl_training_keep_tuning(t));
    return rncl_training_open_records(t);
}

/* The first thing that is written of a run. A checkpoint before the first step makes it resumable from the
 * beginning, and shows early if the disk has no room for one. */
static rncl_status prepare_folder(rncl_training *t, rncl_options *options)
{
    RNCL_TRY(rncl_training_kept_micro_batch(t, &options->micro_batch));
    const rncl_status st = rncl_ranks_first(t->ranks) ? make_folder(t, options) : RNCL_OK;
    RNCL_TRY(rncl_ranks_agree(t->ranks, st));
    RNCL_TRY(rncl_ranks_cast(t->ranks, options->out, sizeof options->out));
    return options->resume[0] ? RNCL_OK : rncl_training_save(t);
}

static rncl_status choose(rncl_training *t, rncl_options *options)
{
    if (!t->trial || options->resume[0])
        RNCL_TRY(rncl_run_folder_choose(options, &t->context->log, &t->lock));
    RNCL_TRY(rncl_arch_check_runs(options->network.arch));
    if (options->tensorboard)
        RNCL_TRY(rncl_event_log_check());
    settle_conflicts(options);
    return RNCL_OK;
}

/* Ranks wait for each other after each part that may fail on one of them. */
static rncl_status prepare(rncl_training *t, rncl_options *options)
{
    const rncl_status st = rncl_ranks_first(t->ranks) ? choose(t, options) : RNCL_OK;
    RNCL_TRY(rncl_ranks_agree(t->ranks, st));
    RNCL_TRY(rncl_training_share_options(t, options));
    if (options->resume[0])
        rncl_context_prepare_again(t->context, options);
    const bool measured = rncl_automatic_is_measured(options);
    RNCL_TRY(rncl_ranks_agree(t->ranks, prepare_inputs(t, options)));
    RNCL_TRY(prepare_tuning(t, options));
    RNCL_TRY(rncl_ranks_agree(t->ranks, prepare_graph(t, options, measured)));
    RNCL_TRY(rncl_training_compare_ranks(t));
    RNCL_TRY(rncl_training_measure_shares(t, options));
    RNCL_TRY(rncl_training_prepare_weights(t));
    RNCL_TRY(rncl_ranks_agree(t->ranks, prepare_network(t, options->micro_batch)));
    RNCL_TRY(rncl_training_compare_turns(t));
    return t->trial ? RNCL_OK : prepare_folder(t, options);
}

rncl_status rncl_training_open(rncl_training *t, rncl_options *options)
{
    t->lock = (rncl_run_lock)RNCL_RUN_LOCK_NONE;
    rncl_pace_start(&t->pace, rncl_time_ns());
    rncl_save_clock_start(&t->save_clock, rncl_time_ns());
    RNCL_TRY(prepare(t, options));
    rncl_announce_network(t);
    return RNCL_OK;
}

/* To the last checkpoint. Rows of steps that are taken again are cut off, as when a run is resumed. */
static rncl_status go_back(rncl_training *t, int micro_batch)
{
    close_network(t);
    rncl_training_close_records(t);
    t->improved = false;
    RNCL_TRY(rncl_training_load(t, RNCL_RUN_CHECKPOINT));
    RNCL_TRY(prepare_network(t, micro_batch));
    rncl_options options = *t->options;
    options.micro_batch = rncl_network_facts_of(t->network)->micro_batch;
    RNCL_TRY(write_config(&options));
    RNCL_TRY(rncl_training_open_records(t));
    rncl_log_line(&t->context->log, RNCL_LOG_NOTE, "going on after step %lld, which was saved last",
                  (long long)t->state.step);
    return RNCL_OK;
}

rncl_status rncl_training_shrink(rncl_training *t)
{
    if (rncl_ranks_count(t->ranks) > 1)
        return RNCL_ERR_DEVICE_MEMORY;
    const int batch = t->options->batch_size;
    const int smaller =
        rncl_network_smaller(t->context, batch, rncl_network_facts_of(t->network)->micro_batch);
    return smaller ? go_back(t, smaller) : RNCL_ERR_DEVICE_MEMORY;
}

rncl_status rncl_training_doubt(rncl_training *t)
{
    if (rncl_ranks_count(t->ranks) > 1 || !t->checks ||
        (t->doubts && !rncl_spot_checks_facts_of(t->checks).checks))
        return RNCL_ERR_WRONG_RESULT;
    const rncl_spot_check check = rncl_spot_checks_last(t->checks);
    rncl_log_line(&t->context->log, RNCL_LOG_WARNING, "%s; looking again", rncl_status_message());
    RNCL_TRY(go_back(t, rncl_network_facts_of(t->network)->micro_batch));
    t->doubts = true;
    rncl_spot_checks_repeat(t->checks, check);
    return RNCL_OK;
}

void rncl_training_close(rncl_training *t)
{
    rncl_training_close_records(t);
    close_network(t);
    rncl_training_free_weights(t);
    free(t->class_weights);
    rncl_graph_destroy(t->graph);
    rncl_inputs_close(&t->inputs);
    rncl_run_folder_unlock(&t->lock);
}
