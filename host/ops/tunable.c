/* Settings and passes brought together. */
#include "tunable.h"

#include <string.h>

enum { MOST_DRAWS = 100 };

static const rncl_op_algorithms *algorithms_of(rncl_op_kind kind)
{
    return rncl_op_type_of(kind)->algorithms;
}

size_t rncl_tunable_rows(const rncl_tunable *t)
{
    const rncl_op_algorithms *algorithms = algorithms_of(t->desc.kind);
    return algorithms ? algorithms->count : 1;
}

bool rncl_tunable_take_row(rncl_tunable *t, size_t row)
{
    const rncl_op_type *type = rncl_op_type_of(t->desc.kind);
    t->row = row;
    t->knobs = (rncl_knobs){0};
    if (type->algorithms && !type->algorithms->supports(t))
        return false;
    if (type->knobs)
        type->knobs(t, &t->knobs);
    return rncl_knobs_resolve(&t->knobs, NULL, t->values);
}

bool rncl_tunable_take_default(rncl_tunable *t)
{
    const rncl_op_algorithms *algorithms = algorithms_of(t->desc.kind);
    const size_t row = algorithms ? algorithms->default_row(t) : 0;
    return row < rncl_tunable_rows(t) && rncl_tunable_take_row(t, row);
}

static bool take_named(rncl_tunable *t, const char *algorithm)
{
    for (size_t row = 0; row < rncl_tunable_rows(t); row++) {
        t->row = row;
        if (!strcmp(rncl_tunable_algorithm(t), algorithm) && rncl_tunable_take_row(t, row))
            return true;
    }
    return false;
}

bool rncl_tunable_take(rncl_tunable *t, const rncl_setting *setting)
{
    return take_named(t, setting->algorithm) && rncl_knobs_resolve(&t->knobs, setting, t->values) &&
           rncl_tunable_allows(t);
}

bool rncl_tunable_draw(rncl_tunable *t, rncl_random *random)
{
    for (int attempt = 0; attempt < MOST_DRAWS; attempt++) {
        for (int i = 0; i < t->knobs.count; i++) {
            const rncl_knob *knob = &t->knobs.knobs[i];
            t->values[i] = knob->values[rncl_random_below(random, (uint32_t)knob->count)];
        }
        if (rncl_tunable_allows(t))
            return true;
    }
    return false;
}

bool rncl_tunable_allows(const rncl_tunable *t)
{
    const rncl_op_type *type = rncl_op_type_of(t->desc.kind);
    return !type->allows || type->allows(t);
}

const char *rncl_tunable_algorithm(const rncl_tunable *t)
{
    const rncl_op_algorithms *algorithms = algorithms_of(t->desc.kind);
    return algorithms ? algorithms->name(t->row) : "";
}

rncl_setting rncl_tunable_setting(const rncl_tunable *t)
{
    return rncl_knobs_setting(&t->knobs, rncl_tunable_algorithm(t), t->values);
}

const char *rncl_tunable_kernels(rncl_op_kind kind, const char *algorithm)
{
    const rncl_op_algorithms *algorithms = algorithms_of(kind);
    if (!algorithms)
        return rncl_op_type_of(kind)->kernels;
    for (size_t row = 0; row < algorithms->count; row++)
        if (!strcmp(algorithms->name(row), algorithm))
            return algorithms->kernels(row);
    return "";
}

bool rncl_tunable_resolve(rncl_tunable *t, const rncl_tuned *tuned)
{
    const rncl_setting *setting = tuned->lookup ? tuned->lookup(tuned->state, &t->desc, t->pass) : NULL;
    const bool found = setting && rncl_tunable_take(t, setting);
    if (!found)
        rncl_tunable_take_default(t);
    return found;
}

void rncl_tunable_plan(rncl_op *op, int pass, int values[RNCL_KNOBS])
{
    rncl_tunable t = {.context = op->context, .desc = op->desc, .pass = pass};
    op->problems++;
    op->tuned += rncl_tunable_resolve(&t, &op->choice.tuned);
    memcpy(values, t.values, sizeof t.values);
}
