/* Fills a setup from options and tuning results. */
#include "planning.h"

#include "kernel_binaries.h"
#include "launch_parts.h"

static void limit_launches(rncl_context *context, int chosen_ms)
{
    enum { PATIENCE_MS = 200 };
    const int limit_ms = chosen_ms                              ? chosen_ms
                         : rncl_context_drives_display(context) ? PATIENCE_MS
                                                                : RNCL_LONGEST_LAUNCH_MS;
    if (limit_ms < RNCL_LONGEST_LAUNCH_MS)
        rncl_context_limit_launches(context, (uint64_t)limit_ms * 1000000);
}

rncl_status rncl_context_prepare(rncl_context *context, const rncl_options *options)
{
    limit_launches(context, options->max_launch_ms);
    rncl_precision_request(context, options->precision);
    return options->kernel_binaries[0] ? rncl_kernel_binaries_use(context, options->kernel_binaries)
                                       : RNCL_OK;
}

void rncl_context_prepare_again(rncl_context *context, const rncl_options *options)
{
    if (rncl_option_source_of(options, "precision") != RNCL_FROM_COMMAND_LINE &&
        options->precision != context->precision)
        rncl_precision_request(context, options->precision);
}

void rncl_planning_apply(const rncl_options *options, rncl_store *store, rncl_network_setup *setup)
{
    setup->algorithm = options->algorithm[0] ? options->algorithm : NULL;
    setup->exact_only = !options->winograd;
    if (store)
        setup->tuned = rncl_store_tuned(store);
}

const char *rncl_planning_verdict(const rncl_network_facts *facts)
{
    if (facts->tuned == 0)
        return "miss";
    return facts->tuned == facts->problems ? "hit" : "partial";
}

void rncl_planning_announce(const rncl_log *log, const rncl_store *store, const rncl_network_facts *facts)
{
    const char *whose = rncl_store_whose(store);
    if (facts->tuned == 0)
        rncl_log_line(log, RNCL_LOG_NOTE,
                      "no settings for any of %d kernels; `rncl tune` (5 min) may be faster",
                      facts->problems);
    else if (facts->tuned == facts->problems)
        rncl_log_line(log, RNCL_LOG_NOTE, "%s settings cover all %d kernels", whose, facts->problems);
    else
        rncl_log_line(log, RNCL_LOG_NOTE,
                      "%s settings cover %d of %d kernels; `rncl tune` (5 min) may be faster", whose,
                      facts->tuned, facts->problems);
}
