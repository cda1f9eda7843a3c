/* Which pass is looked at when. */
#include "spot_checks.h"

#include <stdlib.h>

#include "random.h"
#include "spot_look.h"
#include "util.h"

typedef struct target {
    const rncl_op *op;
    int pass;
} target;

struct rncl_spot_checks {
    rncl_network *network;
    double share;
    uint64_t seed;
    target *targets;
    size_t count, next;
    bool repeats; /* `last` is to be looked at again */
    rncl_spot_check last;
    uint64_t start_ns, spent_ns;
    int64_t checks;
    double worst;

    int64_t step; /* that is looked at; -1: none is */
    rncl_spot_look look;
};

static size_t count_ops(const rncl_network *network)
{
    size_t count = 0;
    while (rncl_network_op(network, count))
        count++;
    return count;
}

/* Of operations whose passes have nothing to do with each other a step runs the first. Statistics of other
 * devices' pictures cannot be computed from this one's. */
static bool is_run(const rncl_op *op, int pass)
{
    return rncl_op_wants(op, pass) && !op->choice.join.join_statistics && rncl_spec_of(op->desc.kind)->cut &&
           (pass == 0 || !rncl_spec_of(op->desc.kind)->separate);
}

rncl_status rncl_spot_checks_create(rncl_network *network, double share, uint64_t seed,
                                    rncl_spot_checks **out)
{
    *out = NULL;
    const size_t ops = count_ops(network);
    rncl_spot_checks *s = calloc(1, sizeof *s);
    if (s)
        s->targets = calloc(RNCL_OP_PASSES * ops + 1, sizeof *s->targets);
    if (!s || !s->targets) {
        free(s);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "spot checks of %zu operations", ops);
    }
    s->network = network;
    s->share = share;
    s->seed = seed;
    s->start_ns = rncl_time_ns();
    s->step = -1;
    for (size_t i = 0; i < ops; i++) {
        const rncl_op *op = rncl_network_op(network, i);
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++)
            if (is_run(op, pass))
                s->targets[s->count++] = (target){op, pass};
    }
    *out = s;
    return RNCL_OK;
}

void rncl_spot_checks_destroy(rncl_spot_checks *s)
{
    if (!s)
        return;
    rncl_spot_look_fini(&s->look);
    free(s->targets);
    free(s);
}

static rncl_status look(void *user, const rncl_pass_at *at)
{
    rncl_spot_checks *s = user;
    return rncl_spot_look_at(&s->look, at);
}

static bool is_time(const rncl_spot_checks *s)
{
    const double budget_ns = s->share * (double)(rncl_time_ns() - s->start_ns);
    const double average_ns = s->checks ? (double)s->spent_ns / (double)s->checks : 0;
    return (double)s->spent_ns + average_ns <= budget_ns;
}

rncl_status rncl_spot_checks_begin(rncl_spot_checks *s, int64_t step)
{
    if (s->step >= 0 || !is_time(s))
        return RNCL_OK;
    if (!s->repeats)
        s->last = (rncl_spot_check){.pass = s->next, .step = step};
    s->repeats = false;
    s->step = step;
    const target *t = &s->targets[s->last.pass];
    const uint64_t draw = (uint64_t)s->last.step;
    rncl_spot_look_begin(
        &s->look, t->op, t->pass,
        rncl_random_stream(s->seed, RNCL_RANDOM_SLICE, (uint32_t)(draw >> 32), (uint32_t)draw));
    rncl_network_observe(s->network, (rncl_pass_observer){.look = look, .user = s});
    return RNCL_OK;
}

void rncl_spot_checks_drop(rncl_spot_checks *s)
{
    rncl_network_observe(s->network, (rncl_pass_observer){0});
    rncl_spot_look_fini(&s->look);
    s->step = -1;
}

rncl_status rncl_spot_checks_end(rncl_spot_checks *s, int64_t step)
{
    if (s->step != step)
        return RNCL_OK;
    const rncl_status st = s->look.done ? rncl_spot_look_judge(&s->look, &s->worst) : RNCL_OK;
    if (!st) {
        s->next = (s->last.pass + 1) % s->count;
        s->checks += s->look.done;
        s->spent_ns += s->look.spent_ns;
    }
    rncl_spot_checks_drop(s);
    return st;
}

rncl_spot_check rncl_spot_checks_last(const rncl_spot_checks *s)
{
    return s->last;
}

void rncl_spot_checks_repeat(rncl_spot_checks *s, rncl_spot_check check)
{
    s->last = check;
    s->repeats = true;
}

rncl_spot_checks_facts rncl_spot_checks_facts_of(const rncl_spot_checks *s)
{
    return (rncl_spot_checks_facts){
        .passes = s->count, .checks = s->checks, .seconds = 1e-9 * (double)s->spent_ns, .worst = s->worst};
}
