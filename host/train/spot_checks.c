/* Slices on their way from the device to the host's reference.
 *
 * Data of a training are no normal numbers, so how large an error may be is found out from the data: the
 * reference is computed a second time on inputs of which each is changed by up to 2^-17 of itself, or as
 * much as the pass rounds its operands. Rounding errors of float arithmetic are of the size of changes a
 * hundred times smaller; faults are larger. */
#include "spot_checks.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "random.h"
#include "slice.h"
#include "util.h"

static const double least_change = 1.0 / (1 << 17);
/* What errors may be: so much of the largest effect of the changes, and of the largest value, whose last
 * digits are lost when it is added to. */
static const double of_effect = 4, of_value = 1e-6;

typedef struct target {
    size_t node;
    int pass;
} target;

/* Values of one slot in the slice at hand. */
typedef struct part {
    rncl_spec_layout layout;
    void *before, *after; /* 32-bit values; NULL: not read, not written */
    double *exact, *changed;
} part;

struct rncl_spot_checks {
    rncl_network *network;
    const rncl_graph *graph;
    double share;
    target *targets;
    size_t count, next;
    uint64_t start_ns, spent_ns, last_ns; /* last_ns: what the last check took */
    int64_t checks;
    double worst;

    /* The check at hand. */
    int64_t step; /* that is looked at; -1: none is */
    bool armed;   /* the pass has not come by */
    bool masked;  /* batch normalisation: y says which gradients pass the ReLU */
    rncl_spec_case whole;
    rncl_spec_slice slice;
    part parts[RNCL_SLOTS];
};

static const rncl_op *op_of(const rncl_spot_checks *s)
{
    return rncl_network_op(s->network, s->targets[s->next].node);
}

/* ---- which passes ---- */

/* Not backward ones of which x is gone, as the kernel does without it. Not those whose ReLU the host would
 * have to decide anew: near its kink rounding decides. */
static bool can_be_recomputed(const rncl_op *op, int pass)
{
    const bool relu = op->desc.kind == RNCL_OP_batchnorm && op->desc.batchnorm.relu;
    const bool reads_x = rncl_spec_of(op->desc.kind)->passes[pass].reads & RNCL_SLOT_BIT(x);
    return rncl_op_wants(op, pass) && (pass == RNCL_OP_FORWARD || ((!reads_x || op->needs.backward_reads_x) &&
                                                                   (!relu || op->needs.backward_reads_y)));
}

rncl_status rncl_spot_checks_create(rncl_network *network, const rncl_graph *graph, double share,
                                    rncl_spot_checks **out)
{
    *out = NULL;
    const size_t nodes = graph->node_count;
    rncl_spot_checks *s = calloc(1, sizeof *s);
    if (s)
        s->targets = calloc(RNCL_OP_PASSES * nodes, sizeof *s->targets);
    if (!s || !s->targets) {
        free(s);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "spot checks of %zu layers", nodes);
    }
    s->network = network;
    s->graph = graph;
    s->share = share;
    s->start_ns = rncl_time_ns();
    s->step = -1;
    for (size_t i = 0; i < nodes; i++)
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++)
            if (can_be_recomputed(rncl_network_op(network, i), pass))
                s->targets[s->count++] = (target){i, pass};
    *out = s;
    return RNCL_OK;
}

static void forget(rncl_spot_checks *s)
{
    for (size_t i = 0; i < RNCL_SLOTS; i++) {
        free(s->parts[i].before);
        free(s->parts[i].after);
        free(s->parts[i].exact);
        free(s->parts[i].changed);
        s->parts[i] = (part){0};
    }
    s->step = -1;
    s->armed = false;
}

void rncl_spot_checks_destroy(rncl_spot_checks *s)
{
    if (!s)
        return;
    forget(s);
    free(s->targets);
    free(s);
}

/* ---- from the device ---- */

/* Enqueues the reads of a slot's slice into new memory. */
static rncl_status fetch(rncl_spot_checks *s, rncl_slot slot, cl_mem buffer, void **out)
{
    const rncl_spec *spec = rncl_spec_of(s->whole.desc.kind);
    const rncl_spec_layout whole = spec->layout(&s->whole, slot), *to = &s->parts[slot].layout;
    rncl_slice_box boxes[RNCL_SLICE_BOXES];
    const size_t count = rncl_slice_boxes(&s->slice, to, &whole, boxes), value = sizeof(float);
    *out = calloc(rncl_spec_layout_count(to), value);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "slice of %zu values", rncl_spec_layout_count(to));
    for (size_t i = 0; i < count; i++) {
        const rncl_slice_box *b = &boxes[i];
        const size_t from[] = {b->from[2] * value, b->from[1], b->from[0]};
        const size_t at[] = {b->to[2] * value, b->to[1], b->to[0]};
        const size_t region[] = {b->size[2] * value, b->size[1], b->size[0]};
        const cl_int error = clEnqueueReadBufferRect(
            op_of(s)->passes[s->whole.pass].context->queue, buffer, CL_FALSE, from, at, region,
            whole.size[2] * value, whole.size[1] * whole.size[2] * value, to->size[2] * value,
            to->size[1] * to->size[2] * value, *out, 0, NULL, NULL);
        RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBufferRect", "a slice for a spot check"));
    }
    return RNCL_OK;
}

static bool is_added(const rncl_spec_case *c, rncl_slot slot)
{
    if (c->pass == RNCL_OP_FORWARD)
        return false;
    return (slot == RNCL_SLOT_dx && c->scalars.flags & RNCL_OP_ACCUMULATE_DX) ||
           ((slot == RNCL_SLOT_dweight || slot == RNCL_SLOT_dbias) &&
            c->scalars.flags & RNCL_OP_ACCUMULATE_PARAMS);
}

/* The slots that the host needs before the pass. */
static unsigned reads_of(const rncl_spot_checks *s, const rncl_spec_pass *pass)
{
    unsigned reads = pass->reads;
    if (s->masked)
        reads = (reads & ~RNCL_SLOT_BIT(residual)) | RNCL_SLOT_BIT(y);
    RNCL_FOR_SLOTS (pass->results, slot)
        if (is_added(&s->whole, slot))
            reads |= 1u << slot;
    return reads;
}

/* The case at hand, from the first time that the pass comes by. */
static void describe(rncl_spot_checks *s, const rncl_pass_at *at)
{
    const rncl_op *op = op_of(s);
    s->whole = (rncl_spec_case){.desc = op->desc, .pass = at->pass, .scalars = *at->scalars};
    s->whole.frozen = op->choice.frozen;
    s->whole.rounding = rncl_pass_rounding(&op->passes[at->pass]);
    s->whole.scalars.flags |= RNCL_OP_TRAINING;
    s->masked = op->desc.kind == RNCL_OP_batchnorm && at->pass != RNCL_OP_FORWARD &&
                rncl_spec_of(op->desc.kind)->smooth(&s->whole.desc);
    rncl_slice_cut(&s->whole, &s->slice);
}

static rncl_status look(void *user, const rncl_pass_at *at)
{
    rncl_spot_checks *s = user;
    const target *t = &s->targets[s->next];
    if (!s->armed || at->node != t->node || at->pass != t->pass)
        return RNCL_OK;
    const uint64_t began_ns = rncl_time_ns();
    if (!at->done)
        describe(s, at);
    const rncl_spec *spec = rncl_spec_of(s->whole.desc.kind);
    const rncl_spec_pass *pass = &spec->passes[at->pass];
    const unsigned wanted = at->done ? pass->results : reads_of(s, pass);
    RNCL_FOR_SLOTS (wanted & ~RNCL_SLOT_BIT(saved), slot) {
        part *p = &s->parts[slot];
        p->layout = spec->layout(&s->slice.part, slot);
        if (at->buffers->slots[slot] && rncl_spec_layout_count(&p->layout))
            RNCL_TRY(fetch(s, slot, at->buffers->slots[slot], at->done ? &p->after : &p->before));
    }
    s->armed = !at->done;
    s->last_ns += rncl_time_ns() - began_ns;
    return RNCL_OK;
}

/* ---- the host's own ---- */

static double value_at(rncl_slot slot, const void *values, size_t i)
{
    return RNCL_INTEGER_SLOTS & 1u << slot ? (double)((const int32_t *)values)[i]
                                           : (double)((const float *)values)[i];
}

/* Inputs as they are, or each changed a little, and room for results. */
static rncl_status fill(const rncl_spot_checks *s, rncl_slot slot, bool changed, double **out)
{
    const part *p = &s->parts[slot];
    const size_t count = rncl_spec_layout_count(&p->layout);
    *out = NULL;
    /* Nobody may want dx, but references write it. */
    if (!p->before && !p->after && (slot != RNCL_SLOT_dx || !count))
        return RNCL_OK;
    *out = calloc(count, sizeof **out);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "slice of %zu values", count);
    const double change = MAX(least_change, s->whole.rounding);
    rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, (uint32_t)slot, 0);
    for (size_t i = 0; p->before && i < count; i++) {
        (*out)[i] = value_at(slot, p->before, i);
        if (changed)
            (*out)[i] *= 1 + change * (2 * (double)rncl_random_uniform(&random) - 1);
    }
    return RNCL_OK;
}

/* The gradient that has passed the ReLU. */
static void mask(const rncl_spot_checks *s, double *dy)
{
    const part *y = &s->parts[RNCL_SLOT_y];
    for (size_t i = 0; i < rncl_spec_layout_count(&y->layout); i++)
        if (!(value_at(RNCL_SLOT_y, y->before, i) > 0))
            dy[i] = 0;
}

static rncl_status compute(rncl_spot_checks *s, bool changed)
{
    double *tensors[RNCL_SLOTS];
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        part *p = &s->parts[slot];
        double **to = changed ? &p->changed : &p->exact;
        RNCL_TRY(fill(s, slot, changed, to));
        tensors[slot] = *to;
    }
    if (s->masked)
        mask(s, tensors[RNCL_SLOT_dy]);
    rncl_spec_of(s->whole.desc.kind)->reference(&s->slice.part, tensors);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        const part *p = &s->parts[slot];
        for (size_t i = 0; is_added(&s->whole, slot) && p->after && i < rncl_spec_layout_count(&p->layout);
             i++)
            tensors[slot][i] += value_at(slot, p->before, i);
    }
    return RNCL_OK;
}

/* ---- the verdict ---- */

static double allowed_error(const part *p)
{
    double effect = 0, value = 0;
    for (size_t i = 0; i < rncl_spec_layout_count(&p->layout); i++) {
        effect = fmax(effect, fabs(p->changed[i] - p->exact[i]));
        value = fmax(value, fabs(p->exact[i]));
    }
    return of_effect * effect + of_value * value + (double)FLT_MIN;
}

static rncl_status judge(rncl_spot_checks *s, rncl_slot slot)
{
    const part *p = &s->parts[slot];
    const double allowed = allowed_error(p);
    for (size_t i = 0; i < rncl_spec_layout_count(&p->layout); i++) {
        const double value = value_at(slot, p->after, i), error = fabs(value - p->exact[i]);
        if (!isfinite(p->exact[i])) /* training diverges, which is somebody else's to tell */
            continue;
        if (error <= allowed) {
            s->worst = fmax(s->worst, error / allowed);
            continue;
        }
        const rncl_op *op = op_of(s);
        const target *t = &s->targets[s->next];
        const char *algorithm = op->passes[t->pass].row->name;
        return RNCL_FAIL(
            RNCL_ERR_WRONG_RESULT,
            "%s computes wrongly: %s, %s%s%s: a value is %.9g and not %.9g (error %.3g, allowed %.3g)",
            op->passes[t->pass].context->info.name, s->graph->nodes[t->node].name,
            op->type->passes[t->pass].name, *algorithm ? " by " : "", algorithm, value, p->exact[i], error,
            allowed);
    }
    return RNCL_OK;
}

/* ---- when ---- */

rncl_status rncl_spot_checks_begin(rncl_spot_checks *s, int64_t step)
{
    const uint64_t now = rncl_time_ns();
    const double budget_ns = s->share * (double)(now - s->start_ns);
    const double average_ns = s->checks ? (double)s->spent_ns / (double)s->checks : 0;
    if (s->step >= 0 || !s->count || (double)s->spent_ns + average_ns > budget_ns)
        return RNCL_OK;
    s->step = step;
    s->armed = true;
    s->last_ns = 0;
    rncl_network_observe(s->network, (rncl_network_observer){.look = look, .user = s});
    return RNCL_OK;
}

rncl_status rncl_spot_checks_end(rncl_spot_checks *s, int64_t step)
{
    if (s->step != step)
        return RNCL_OK;
    const uint64_t began_ns = rncl_time_ns();
    rncl_network_observe(s->network, (rncl_network_observer){0});
    rncl_status st = s->armed ? RNCL_OK : compute(s, false);
    if (!st && !s->armed)
        st = compute(s, true);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS && !st && !s->armed; slot++)
        if (s->parts[slot].after)
            st = judge(s, slot);
    forget(s);
    if (st)
        return st;
    s->next = (s->next + 1) % s->count;
    s->checks++;
    s->spent_ns += s->last_ns + rncl_time_ns() - began_ns;
    return RNCL_OK;
}

size_t rncl_spot_checks_next(const rncl_spot_checks *s)
{
    return s->next;
}

void rncl_spot_checks_set_next(rncl_spot_checks *s, size_t next)
{
    s->next = next < s->count ? next : 0;
}

rncl_spot_checks_facts rncl_spot_checks_facts_of(const rncl_spot_checks *s)
{
    return (rncl_spot_checks_facts){
        .passes = s->count, .checks = s->checks, .seconds = 1e-9 * (double)s->spent_ns, .worst = s->worst};
}
