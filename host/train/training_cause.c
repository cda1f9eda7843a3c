/* Where a divergence began. Steps repeat themselves to the bit, so that those since the last checkpoint are
 * taken again; the last two are looked at pass by pass, since what one of them writes may show in the next.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_folder.h"
#include "spec.h"
#include "training.h"
#include "util.h"

/* Longer than this nobody should wait for a remark. */
static const double most_seconds = 60;

/* The first pass that writes something that is not finite. Every pass is waited for. */
typedef struct search {
    rncl_context *context;
    bool forward_only; /* gradients of a scaled loss may be infinite in steps that are not taken */
    char where[80];    /* "layer1.0.conv1 forward"; "": nothing yet */
} search;

/* Widens values in place, the last one first. */
static void widen(float *values, size_t count, rncl_element type)
{
    for (size_t i = count; i-- > 0;) {
        uint16_t value;
        memcpy(&value, (const char *)values + i * sizeof value, sizeof value);
        values[i] = rncl_element_to_float(type, value);
    }
}

static rncl_status look_at(search *s, const rncl_pass_at *at, rncl_slot slot, size_t count)
{
    const bool narrow = rncl_pass_elements(&at->op->passes[at->pass]) & 1u << slot;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu values to look at", count);
    const size_t bytes = count * (narrow ? sizeof(uint16_t) : sizeof(float));
    const rncl_status st = rncl_buffer_read(s->context, at->buffers->slots[slot], 0, bytes, values);
    if (!st && narrow)
        widen(values, count, rncl_precision_element(s->context->precision));
    if (!st && !rncl_all_finite(values, count))
        snprintf(s->where, sizeof s->where, "%s %s", at->name, at->op->type->passes[at->pass].name);
    free(values);
    return st;
}

static rncl_status look(void *user, const rncl_pass_at *at)
{
    search *s = user;
    if (s->forward_only && at->pass != RNCL_OP_FORWARD)
        return RNCL_OK;
    const rncl_spec *spec = rncl_spec_of(at->op->desc.kind);
    const rncl_spec_case c = {.desc = at->op->desc, .pass = at->pass, .scalars = *at->scalars};
    RNCL_FOR_SLOTS (spec->passes[at->pass].results & ~(RNCL_INTEGER_SLOTS | RNCL_SLOT_BIT(saved)), slot) {
        const rncl_spec_layout layout = spec->layout(&c, slot);
        const size_t count = rncl_spec_layout_count(&layout);
        if (at->done && !s->where[0] && at->buffers->slots[slot] && count)
            RNCL_TRY(look_at(s, at, slot, count));
    }
    return RNCL_OK;
}

static void observe(rncl_training *t, search *s)
{
    rncl_network_observe(t->network,
                         s ? (rncl_pass_observer){.look = look, .user = s} : (rncl_pass_observer){0});
}

static bool takes_too_long(const rncl_training *t, int64_t steps)
{
    const double rate = rncl_pace_steps_per_second(&t->pace.all);
    return rate > 0 && (double)steps > most_seconds * rate;
}

static rncl_status repeat_step(rncl_training *t)
{
    rncl_batch_result ignored;
    RNCL_TRY(rncl_training_enqueue(t));
    RNCL_TRY(rncl_network_collect(t->network, &ignored));
    rncl_loader_release(t->loader);
    t->state.step++;
    return RNCL_OK;
}

/* From the last checkpoint on, until something is found or step `bad` is done. */
static rncl_status seek_in_steps(rncl_training *t, int64_t bad, search *s)
{
    RNCL_TRY(rncl_training_rewind(t, RNCL_RUN_CHECKPOINT));
    if (takes_too_long(t, bad - t->state.step))
        return RNCL_OK;
    while (t->state.step < bad && !s->where[0] && !rncl_training_stopped(t)) {
        if (t->state.step >= bad - 2)
            observe(t, s);
        const rncl_status st = repeat_step(t);
        observe(t, NULL);
        RNCL_TRY(st);
    }
    return RNCL_OK;
}

static rncl_status seek_in_evaluation(rncl_training *t, search *s)
{
    rncl_evaluation ignored;
    observe(t, s);
    const rncl_status st = rncl_training_measure(t, &ignored);
    observe(t, NULL);
    return st;
}

rncl_status rncl_training_explain(rncl_training *t)
{
    search s = {.context = t->context,
                .forward_only = t->context->precision == RNCL_PRECISION_FP16_TENSORS && !t->last.too_large};
    char why[RNCL_TEXT_LENGTH];
    if (rncl_ranks_count(t->ranks) > 1) { /* how far each of them gets is a matter of its time */
        t->evaluation_diverged = false;
        return RNCL_ERR_DIVERGED;
    }
    snprintf(why, sizeof why, "%s", rncl_status_message());
    const rncl_run_state then = t->state;
    const bool in_evaluation = t->evaluation_diverged;
    const rncl_status st = in_evaluation ? seek_in_evaluation(t, &s) : seek_in_steps(t, then.step, &s);
    const int64_t step = t->state.step;
    t->state = then;
    t->enqueued = then.step;
    t->evaluation_diverged = false;
    if (st || !s.where[0]) /* a search that fails must not hide what it was for */
        return RNCL_FAIL(RNCL_ERR_DIVERGED, "%s", why);
    return RNCL_FAIL(RNCL_ERR_DIVERGED, "%s; the first values that were not finite: %s, %s step %" PRId64,
                     why, s.where, in_evaluation ? "evaluated after" : "in", step);
}
