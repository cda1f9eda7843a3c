/* Small shapes for planned operations. */
#include "planned.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check_trial.h"
#include "util.h"

#define FOR_WANTED(op, pass)                                                                                 \
    for (int pass = 0; pass < RNCL_OP_PASSES; pass++)                                                        \
        if (rncl_op_wants(op, pass))

/* ---- the shape ---- */

/* Kernels of another form have little in common. */
static bool same_form(const rncl_op_desc *a, const rncl_op_desc *b)
{
    RNCL_FOR_FIELDS (a->kind, field)
        if (field->form && rncl_spec_field_value(a, field) != rncl_spec_field_value(b, field))
            return false;
    return true;
}

static bool goes_with(const rncl_planned_check *check, const rncl_op_desc *desc)
{
    FOR_WANTED (check->op, i) {
        rncl_pass pass = {
            .context = check->op->passes[i].context, .desc = *desc, .index = i, .choice = check->op->choice};
        if (!rncl_pass_take(&pass, &check->settings[i]))
            return false;
    }
    return true;
}

/* A small shape of the operation's specification, or the operation's own with one picture. */
static bool find_shape(rncl_planned_check *check)
{
    const rncl_spec *spec = rncl_spec_of(check->op->desc.kind);
    for (size_t i = 0; i < spec->shape_count; i++) {
        check->desc = spec->shapes[i].desc;
        if (same_form(&check->desc, &check->op->desc) && goes_with(check, &check->desc))
            return true;
    }
    check->desc = check->op->desc;
    check->desc.n = 1;
    const rncl_spec_case own = {.desc = check->desc};
    return spec->work(&own) <= (double)RNCL_CHECK_WORK && goes_with(check, &check->desc);
}

void rncl_planned_check_init(const rncl_op *op, rncl_planned_check *out)
{
    *out = (rncl_planned_check){.op = op};
    FOR_WANTED (op, i) {
        out->settings[i] = rncl_pass_setting(&op->passes[i]);
        const rncl_pass *part = rncl_pass_to_tune(&op->passes[i]);
        if (part != &op->passes[i])
            out->parts[i] = rncl_pass_setting(part);
    }
    if (find_shape(out))
        return;
    /* Values that were made for large shapes do not go with small ones: the algorithms, as they come. */
    FOR_WANTED (op, i)
        out->settings[i].count = out->parts[i].count = 0;
    find_shape(out);
}

/* ---- the text ---- */

typedef struct line {
    char *text;
    size_t length;
} line;

static void __attribute__((format(printf, 2, 3))) append(line *l, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t room = RNCL_PLANNED_TEXT - l->length;
    const int written = vsnprintf(l->text + l->length, room, format, arguments);
    va_end(arguments);
    l->length += MIN((size_t)MAX(written, 0), room - 1);
}

static bool has_dz(const rncl_op *op)
{
    return op->choice.residual_before || op->choice.given_dz;
}

rncl_status rncl_planned_check_describe(const rncl_planned_check *check, char text[RNCL_PLANNED_TEXT])
{
    const rncl_op *op = check->op;
    line l = {.text = text};
    char shape[RNCL_SPEC_TEXT];
    rncl_spec_describe(&check->desc, shape);
    append(&l, "%s%s%s%s epilogue%u", op->type->name, shape, op->choice.frozen ? " frozen" : "",
           op->choice.no_dx ? " no_dx" : "", op->choice.epilogue);
    if (op->choice.gradient_sums || op->choice.gradient_parts)
        append(&l, " sums signs%d%s", op->choice.signs_width, has_dz(op) ? " dz" : "");
    FOR_WANTED (op, i) {
        const rncl_setting *settings[] = {&check->settings[i], &check->parts[i]};
        uint64_t hash;
        RNCL_TRY(rncl_algorithm_hash(op->desc.kind, check->settings[i].algorithm, &hash));
        append(&l, "; %s %s %016llx", op->type->passes[i].name, check->settings[i].algorithm,
               (unsigned long long)hash);
        for (size_t s = 0; s < COUNT(settings); s++)
            for (int k = 0; k < settings[s]->count; k++)
                append(&l, " %s=%d", settings[s]->knobs[k].name, settings[s]->knobs[k].value);
    }
    return RNCL_OK;
}

/* ---- running ---- */

static const rncl_setting *setting_of(void *state, const rncl_op_desc *desc, int pass)
{
    const rncl_planned_check *check = state;
    if (desc->kind == check->op->desc.kind)
        return rncl_op_wants(check->op, pass) ? &check->settings[pass] : NULL;
    FOR_WANTED (check->op, i) {
        const rncl_pass *part = rncl_pass_to_tune(&check->op->passes[i]);
        if (part->desc.kind == desc->kind && part->index == pass)
            return &check->parts[i];
    }
    return NULL;
}

static check_variant variant_of(const rncl_op *op, const char *name)
{
    return (check_variant){
        .name = name,
        .inference = op->type->passes[RNCL_OP_BACKWARD].name && !rncl_op_wants(op, RNCL_OP_BACKWARD) &&
                     !rncl_op_wants(op, RNCL_OP_PASSES - 1) && !rncl_spec_of(op->desc.kind)->separate,
        .no_dx = op->choice.no_dx,
        .frozen = op->choice.frozen,
        .epilogue = op->choice.epilogue,
        .sums = op->choice.gradient_sums || op->choice.gradient_parts,
        .signs_width = op->choice.signs_width,
        .dz = has_dz(op),
    };
}

rncl_status rncl_planned_check_build(const rncl_planned_check *check)
{
    const check_variant variant = variant_of(check->op, "");
    rncl_op *op;
    rncl_op_choice choice = check->op->choice;
    choice.algorithm = NULL;
    choice.statistics_parts = 0;
    check_choose_sums(&variant, &check->desc, &choice);
    choice.tuned = (rncl_tuned){.lookup = setting_of, .state = (void *)(uintptr_t)check}; /* only read */
    RNCL_TRY(rncl_op_create(check->op->passes[RNCL_OP_FORWARD].context, &check->desc, &choice, &op));
    const rncl_status st = rncl_op_build(op);
    rncl_op_destroy(op);
    return st;
}

/* The algorithms of the passes, each once in a row. */
static void name_algorithms(const rncl_planned_check *check, char *text, size_t size)
{
    const char *last = "";
    size_t length = (size_t)snprintf(text, size, "as the network runs it");
    FOR_WANTED (check->op, i) {
        const char *name = check->settings[i].algorithm;
        if (strcmp(name, last) != 0 && length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s", *last ? ", " : " by ", name);
        last = name;
    }
}

rncl_status rncl_planned_check_run(const rncl_planned_check *check, uint64_t seed,
                                   void (*report)(void *user, const rncl_check_result *result), void *user)
{
    const rncl_op *op = check->op;
    const rncl_spec *spec = rncl_spec_of(op->desc.kind);
    char name[128];
    name_algorithms(check, name, sizeof name);
    const check_variant variant = variant_of(op, name);
    for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
        if (!rncl_op_wants(op, pass) || (pass && !spec->separate))
            continue;
        check_trial trial = {
            .context = op->passes[pass].context,
            .c = {.desc = check->desc, .pass = pass, .scalars = spec->scalars},
            .variant = &variant,
            .random = rncl_random_stream(seed, RNCL_RANDOM_TEST, 2 * op->desc.kind, (uint32_t)pass),
            .tuned = {.lookup = setting_of, .state = (void *)(uintptr_t)check}, /* only read */
        };
        RNCL_TRY(check_trial_run(&trial, report, user));
    }
    return RNCL_OK;
}
