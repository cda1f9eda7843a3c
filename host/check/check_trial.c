/* Sets up a trial from the operation's specification, runs it twice and judges the results. */
#include "check_trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "gradient_sums.h"
#include "statistics.h"
#include "util.h"

/* One trial in so many draws random knob values, since each draw compiles more programs. */
enum { TRIALS_A_DRAW = 25 };

/* Roundings of operands that a result's error may be. Those of many products average out; of few values that
 * are near zero by chance, an eighth of the norm is the bound (check_tensor_error). */
enum { ROUNDINGS = 8 };

static const char *const slot_names[] = {
#define X(name) [RNCL_SLOT_##name] = #name,
    RNCL_OP_BUFFERS(X)
#undef X
};

static const struct {
    check_fault fault;
    const char *text;
} fault_texts[] = {
    {CHECK_OUTSIDE, "memory outside it was written"},
    {CHECK_CHANGED, "was changed by a pass that only reads it"},
    {CHECK_DIFFERENT, "two runs differ"},
};

#define FOR_TENSORS(trial, tensor)                                                                           \
    for (check_tensor *tensor = (trial)->tensors; tensor < (trial)->tensors + RNCL_SLOTS; tensor++)          \
        if (tensor->role != CHECK_ABSENT)

#define FOR_PASSES(trial, pass)                                                                              \
    for (int pass = (trial)->c.pass; pass < RNCL_OP_PASSES; pass++)                                          \
        if (runs(trial, pass))

static const rncl_spec *spec_of(const check_trial *trial)
{
    return rncl_spec_of(trial->c.desc.kind);
}

static bool runs(const check_trial *trial, int pass)
{
    return rncl_op_wants(trial->op, pass) && (pass == trial->c.pass || trial->phases > 1);
}

static check_phase phase_of(const check_trial *trial, int pass)
{
    return pass == trial->c.pass ? CHECK_FORWARD : CHECK_BACKWARD;
}

/* The trial's case for one of its passes. */
static rncl_spec_case case_of(const check_trial *trial, int pass)
{
    rncl_spec_case c = trial->c;
    c.pass = pass;
    c.scalars.flags = trial->variant->flags | (trial->variant->inference ? 0u : (unsigned)RNCL_OP_TRAINING);
    return c;
}

/* ---- the operation ---- */

/* Draws knob values for the trial's algorithm. NULL (the presets) if it cannot do the pass. */
static const rncl_setting *draw_setting(void *state, const rncl_op_desc *desc, int pass)
{
    check_trial *trial = state;
    rncl_pass p = {.context = trial->context,
                   .desc = *desc,
                   .index = pass,
                   .choice = {.epilogue = trial->variant->epilogue}};
    rncl_setting presets = {0};
    snprintf(presets.algorithm, sizeof presets.algorithm, "%s", trial->algorithm ? trial->algorithm : "");
    if (!rncl_pass_take(&p, &presets) || !rncl_pass_draw(&p, &trial->random))
        return NULL;
    trial->settings[pass] = rncl_pass_setting(&p);
    return &trial->settings[pass];
}

/* Not for CLBlast, whose kernels take half a minute to compile. */
static bool draws_knobs(check_trial *trial)
{
    return (!trial->algorithm || strcmp(trial->algorithm, "im2col_gemm") != 0) &&
           rncl_draw_once_in(&trial->random, TRIALS_A_DRAW);
}

static rncl_status create_op(check_trial *trial)
{
    const check_variant *variant = trial->variant;
    const bool single = variant->inference || spec_of(trial)->separate;
    if (!trial->tuned.lookup && draws_knobs(trial))
        trial->tuned = (rncl_tuned){.lookup = draw_setting, .state = trial};
    rncl_op_choice choice = {
        .algorithm = trial->algorithm,
        .tuned = trial->tuned,
        .left_out = single ? ~RNCL_PASS_BIT(trial->c.pass) : 0,
        .no_dx = variant->no_dx,
        .frozen = variant->frozen,
        .epilogue = variant->epilogue,
    };
    check_choose_sums(variant, &trial->c.desc, &choice);
    trial->c.frozen = variant->frozen;
    trial->c.epilogue = variant->epilogue;
    trial->phases = !single && rncl_op_type_of(trial->c.desc.kind)->passes[RNCL_OP_BACKWARD].name ? 2 : 1;
    for (;;) {
        const size_t work_group = trial->context->info.max_work_group_size;
        RNCL_TRY(rncl_op_create(trial->context, &trial->c.desc, &choice, &trial->op));
        const rncl_status st = rncl_op_build(trial->op);
        if (!st || trial->context->info.max_work_group_size == work_group)
            return st;
        rncl_op_destroy(trial->op); /* a kernel allows smaller work-groups only: plan anew */
        trial->op = NULL;
    }
}

/* ---- the tensors ---- */

static unsigned elements_of(const check_trial *trial)
{
    return rncl_pass_elements(&trial->op->passes[trial->c.pass]);
}

static void declare(check_trial *trial, rncl_slot slot, check_role role, check_phase phase, size_t size_bytes)
{
    if (size_bytes)
        trial->tensors[slot] = (check_tensor){.role = role,
                                              .phase = phase,
                                              .size_bytes = size_bytes,
                                              .salt = (unsigned)slot,
                                              .integers = (RNCL_INTEGER_SLOTS & 1u << slot) != 0,
                                              .elements = (elements_of(trial) & 1u << slot) != 0,
                                              .type = rncl_precision_element(trial->context->precision)};
}

static size_t slot_bytes(const check_trial *trial, rncl_slot slot)
{
    const rncl_spec_layout layout = spec_of(trial)->layout(&trial->c, slot);
    const size_t value = elements_of(trial) & 1u << slot ? sizeof(uint16_t) : sizeof(float);
    return slot == RNCL_SLOT_saved ? 0 : rncl_spec_layout_count(&layout) * value;
}

static check_role result_role(const check_trial *trial, rncl_slot slot, bool read)
{
    const unsigned flags = trial->variant->flags;
    if (slot == RNCL_SLOT_running_mean || slot == RNCL_SLOT_running_variance)
        return trial->variant->inference || trial->variant->frozen ? CHECK_INPUT : CHECK_UPDATED;
    if ((slot == RNCL_SLOT_dx && flags & RNCL_OP_ACCUMULATE_DX && trial->phases > 1) ||
        ((slot == RNCL_SLOT_dweight || slot == RNCL_SLOT_dbias) && flags & RNCL_OP_ACCUMULATE_PARAMS))
        return CHECK_ADDED;
    return read ? CHECK_UPDATED : CHECK_OUTPUT;
}

/* Frozen parameters have no gradients. */
static bool is_wanted(const check_trial *trial, rncl_slot slot)
{
    return !trial->variant->frozen || (slot != RNCL_SLOT_dweight && slot != RNCL_SLOT_dbias);
}

static void declare_pass(check_trial *trial, int pass)
{
    const rncl_spec_pass *p = &spec_of(trial)->passes[pass];
    const check_phase phase = phase_of(trial, pass);
    RNCL_FOR_SLOTS (p->reads | p->results, slot) {
        const bool read = p->reads & 1u << slot, result = p->results & 1u << slot;
        if (trial->tensors[slot].role == CHECK_ABSENT && is_wanted(trial, slot))
            declare(trial, slot, result ? result_role(trial, slot, read) : CHECK_INPUT, phase,
                    slot_bytes(trial, slot));
    }
}

/* Whether the pass rounds its filter to bfloat16, the one operand that is not stored so: the reference then
 * does as well. */
static bool rounds_filter(const check_trial *trial, int pass)
{
    const rncl_pass *of = &trial->op->passes[pass];
    return rncl_pass_elements(of) &&
           rncl_pass_rounding(of) >= rncl_precision_rounding(RNCL_PRECISION_BF16_TENSORS);
}

/* Sets the length of each result's reduction, and whether the result must be exact. Rows whose `exact` is
 * not set round on integers too. */
static void expect(check_trial *trial, int pass)
{
    const rncl_spec_case c = case_of(trial, pass);
    const bool exact = rncl_pass_to_tune(&trial->op->passes[pass])->row->exact;
    RNCL_FOR_SLOTS (spec_of(trial)->passes[pass].results, slot) {
        check_tensor *t = &trial->tensors[slot];
        if (t->role == CHECK_ABSENT)
            continue;
        const rncl_spec_sum sum = spec_of(trial)->sum(&c, slot);
        t->length = MAX(sum.terms, 1);
        t->typical = sum.typical;
        t->exact = t->integers || (trial->variant->integers && exact);
        t->rounding = rounds_filter(trial, pass) ? 0.0 : rncl_pass_rounding(&trial->op->passes[pass]);
    }
}

/* dresidual shares dy's buffer where it has y's shape; dx shares x's where backward does not add to it. */
static void share_buffers(check_trial *trial)
{
    check_tensor *t = trial->tensors;
    const bool in_place = trial->variant->in_place;
    if (!in_place && !trial->op->choice.given_dz)
        return;
    const rncl_spec_layout y = spec_of(trial)->layout(&trial->c, RNCL_SLOT_y),
                           residual = spec_of(trial)->layout(&trial->c, RNCL_SLOT_residual);
    if (rncl_spec_layout_equal(&y, &residual)) {
        t[RNCL_SLOT_dy].role = CHECK_CONSUMED;
        t[RNCL_SLOT_dresidual].shares = &t[RNCL_SLOT_dy];
    }
    if (in_place && trial->op->needs.dx_may_be_x && t[RNCL_SLOT_dx].role == CHECK_OUTPUT) {
        t[RNCL_SLOT_x].role = CHECK_CONSUMED;
        t[RNCL_SLOT_dx].shares = &t[RNCL_SLOT_x];
    }
}

/* Sums that a convolution leaves and what they depend on, or those that a batch normalisation is given. */
static void declare_sums(check_trial *trial)
{
    const rncl_op *op = trial->op;
    const size_t parts = (size_t)op->needs.gradient_parts, given = (size_t)op->choice.gradient_parts;
    const rncl_spec_layout x = spec_of(trial)->layout(&trial->c, RNCL_SLOT_x);
    const size_t rows = x.size[0] * x.size[1], c = x.size[2], vector = c * sizeof(float);
    declare(trial, RNCL_SLOT_gradient_sums, given ? CHECK_CONSUMED : CHECK_SCRATCH, CHECK_BACKWARD,
            (parts + given) * 2 * vector);
    if (!parts)
        return;
    declare(trial, RNCL_SLOT_before_x, CHECK_INPUT, CHECK_BACKWARD,
            rows * c * rncl_pass_element_bytes(&op->passes[trial->c.pass]));
    declare(trial, RNCL_SLOT_before_saved, CHECK_INPUT, CHECK_BACKWARD,
            check_saved_bytes(rows, c, op->choice.signs_width));
    declare(trial, RNCL_SLOT_before_weight, CHECK_INPUT, CHECK_BACKWARD, vector);
    declare(trial, RNCL_SLOT_before_bias, CHECK_INPUT, CHECK_BACKWARD, vector);
}

static void declare_tensors(check_trial *trial)
{
    const rncl_op_needs *needs = &trial->op->needs;
    check_tensor *t = trial->tensors;
    FOR_PASSES (trial, pass)
        declare_pass(trial, pass);
    FOR_PASSES (trial, pass)
        expect(trial, pass);
    const rncl_spec_layout y = spec_of(trial)->layout(&trial->c, RNCL_SLOT_y);
    declare(trial, RNCL_SLOT_saved, CHECK_SCRATCH, CHECK_FORWARD, needs->saved_bytes);
    declare(trial, RNCL_SLOT_packed, CHECK_SCRATCH, CHECK_FORWARD, needs->packed_bytes);
    declare(trial, RNCL_SLOT_workspace, CHECK_SCRATCH, CHECK_FORWARD, needs->workspace_bytes);
    declare(trial, RNCL_SLOT_statistics, CHECK_SCRATCH, CHECK_FORWARD,
            rncl_op_statistics_bytes(needs->statistics_parts, (int)y.size[2]));
    t[RNCL_SLOT_workspace].root = true; /* rows cut it into sub-buffers, which have no sub-buffers */
    t[RNCL_SLOT_workspace].dead = true;
    if (trial->phases == 1)
        return;
    declare_sums(trial);
    share_buffers(trial);
    t[RNCL_SLOT_x].dead = !needs->backward_reads_x;
    t[RNCL_SLOT_y].dead = !needs->backward_reads_y;
    t[RNCL_SLOT_residual].dead = true;
}

/* ---- inputs and what should come out ---- */

static void adjust_inputs(check_trial *trial)
{
    const rncl_spec_case c = case_of(trial, trial->c.pass);
    FOR_TENSORS (trial, tensor) {
        const bool is_input =
            tensor->role == CHECK_INPUT || tensor->role == CHECK_CONSUMED || tensor->role == CHECK_UPDATED;
        for (size_t i = 0; is_input && i < check_tensor_count(tensor); i++)
            check_tensor_set(
                tensor, i,
                spec_of(trial)->adjust(&c, (rncl_slot)(tensor - trial->tensors), i, tensor->reference[i]));
    }
}

static void compute(check_trial *trial, const rncl_spec_case *c)
{
    double *tensors[RNCL_SLOTS];
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++)
        tensors[slot] = trial->tensors[slot].reference;
    check_tensor *filter = &trial->tensors[RNCL_SLOT_weight];
    const bool rounds = rounds_filter(trial, c->pass);
    if (rounds)
        check_tensor_round(filter);
    spec_of(trial)->reference(c, tensors);
    if (rounds)
        check_tensor_reset(filter);
}

/* Sets dy to zero where rounding decides whether it passes the ReLU, and where it does not if it is given as
 * what has. This computes a forward pass, after which the running statistics are reset. */
static void clear_kinks(check_trial *trial)
{
    check_tensor *y = &trial->tensors[RNCL_SLOT_y], *dy = &trial->tensors[RNCL_SLOT_dy];
    check_tensor *running[] = {&trial->tensors[RNCL_SLOT_running_mean],
                               &trial->tensors[RNCL_SLOT_running_variance]};
    rncl_spec_case c = case_of(trial, RNCL_OP_FORWARD);
    if (trial->phases == 1 || !spec_of(trial)->smooth || !spec_of(trial)->smooth(&c.desc))
        return;
    compute(trial, &c);
    for (size_t i = 0; i < check_tensor_count(dy); i++)
        if (fabs(y->reference[i]) < RNCL_SPEC_KINK || (trial->op->choice.given_dz && y->reference[i] <= 0))
            check_tensor_set(dy, i, 0.0);
    for (size_t r = 0; r < COUNT(running); r++)
        check_tensor_reset(running[r]);
}

/* What a batch normalisation is given: the sums that it would have computed, in parts that add up exactly. */
static void give_sums(check_trial *trial)
{
    check_tensor *sums = &trial->tensors[RNCL_SLOT_gradient_sums];
    const check_tensor *of[] = {&trial->tensors[RNCL_SLOT_dbias], &trial->tensors[RNCL_SLOT_dweight]};
    const size_t c = check_tensor_count(of[0]);
    for (size_t i = 0; sums->role == CHECK_CONSUMED && i < check_tensor_count(sums); i++) {
        const size_t part = i / c / 2;
        const double share = part + 1 < CHECK_SUMS ? ldexp(1, -(int)part - 1) : ldexp(1, 1 - CHECK_SUMS);
        check_tensor_set(sums, i, share * of[i / c % 2]->reference[i % c]);
    }
}

/* What a convolution leaves of dx if it is to be what passes the ReLU whose result is x. */
static void pass_relu(check_trial *trial)
{
    check_tensor *dx = &trial->tensors[RNCL_SLOT_dx];
    const double *x = trial->tensors[RNCL_SLOT_x].reference;
    for (size_t i = 0; trial->op->needs.leaves_dz && i < check_tensor_count(dx); i++)
        dx->reference[i] = x[i] > 0 ? dx->reference[i] : 0;
}

static void prepare(check_trial *trial)
{
    FOR_TENSORS (trial, tensor)
        check_tensor_fill(tensor, &trial->random, trial->variant->integers);
    if (spec_of(trial)->adjust)
        adjust_inputs(trial);
    clear_kinks(trial);
    FOR_PASSES (trial, pass) {
        const rncl_spec_case c = case_of(trial, pass);
        compute(trial, &c);
    }
    give_sums(trial);
    FOR_TENSORS (trial, tensor)
        for (size_t i = 0; tensor->role == CHECK_ADDED && i < check_tensor_count(tensor); i++)
            tensor->reference[i] += check_tensor_value(tensor, tensor->initial, i);
    pass_relu(trial);
}

/* ---- running ---- */

static rncl_status create_tensors(check_trial *trial)
{
    FOR_TENSORS (trial, tensor)
        RNCL_TRY(check_tensor_create(trial->context, tensor));
    return rncl_op_bind(trial->op, trial->tensors[RNCL_SLOT_workspace].buffer);
}

static rncl_status launch(check_trial *trial, check_phase phase)
{
    const rncl_spec_case c = case_of(trial, trial->c.pass);
    rncl_op_buffers buffers;
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++)
        buffers.slots[slot] = trial->tensors[slot].buffer;
    if (phase == CHECK_BACKWARD)
        return rncl_op_backward(trial->op, &buffers, &c.scalars);
    RNCL_TRY(rncl_op_prepare(trial->op, &buffers));
    return rncl_op_enqueue(trial->op, trial->c.pass, &buffers, &c.scalars);
}

static rncl_status finish_phase(check_trial *trial, check_phase phase, int run)
{
    RNCL_TRY(rncl_context_finish(trial->context));
    FOR_TENSORS (trial, tensor) {
        const bool read = check_tensor_is_result(tensor) || tensor == &trial->tensors[RNCL_SLOT_statistics] ||
                          tensor == &trial->tensors[RNCL_SLOT_gradient_sums];
        if (read && tensor->phase == phase)
            RNCL_TRY(check_tensor_download(trial->context, tensor, run));
        if (tensor->dead)
            RNCL_TRY(check_tensor_poison(trial->context, tensor));
    }
    return RNCL_OK;
}

static rncl_status run_once(check_trial *trial, int run)
{
    const check_phase last = (check_phase)(trial->phases - 1);
    FOR_TENSORS (trial, tensor)
        RNCL_TRY(check_tensor_upload(trial->context, tensor));
    for (check_phase phase = CHECK_FORWARD; phase <= last; phase++) {
        RNCL_TRY(launch(trial, phase));
        RNCL_TRY(finish_phase(trial, phase, run));
    }
    FOR_TENSORS (trial, tensor)
        RNCL_TRY(check_tensor_inspect(trial->context, tensor, run, last));
    return RNCL_OK;
}

/* ---- judging ---- */

typedef struct sink {
    void (*report)(void *user, const rncl_check_result *result);
    void *user;
} sink;

/* Reports a result, named "conv/direct SHAPE, VARIANT: dx" and then `remark`. */
static void report(const check_trial *trial, const check_tensor *tensor, const char *remark, double error,
                   double tolerance, const sink *to)
{
    const rncl_op_type *type = rncl_op_type_of(trial->c.desc.kind);
    const char *algorithm = trial->algorithm ? trial->algorithm : "";
    char shape[RNCL_SPEC_TEXT];
    rncl_spec_describe(&trial->c.desc, shape);
    rncl_check_result result = {.error = error, .tolerance = tolerance, .ok = error <= tolerance};
    snprintf(result.name, sizeof result.name, "%s%s%s%s, %s%s%s: %s%s%s", type->name, *algorithm ? "/" : "",
             algorithm, shape, trial->variant->name, spec_of(trial)->separate ? ", " : "",
             spec_of(trial)->separate ? type->passes[trial->c.pass].name : "",
             slot_names[tensor - trial->tensors], remark ? ": " : "", remark ? remark : "");
    to->report(to->user, &result);
}

/* Reports what forward leaves for batch normalisation. Errors are those of y and of sums over its rows; those
 * of squares are twice as large. */
static void judge_statistics(const check_trial *trial, const sink *to)
{
    const check_tensor *tensor = &trial->tensors[RNCL_SLOT_statistics], *y = &trial->tensors[RNCL_SLOT_y];
    const rncl_spec_layout layout = spec_of(trial)->layout(&trial->c, RNCL_SLOT_y);
    const size_t channels = layout.size[2], rows = check_tensor_count(y) / channels;
    const double error = check_statistics_error(tensor->results[0], trial->op->needs.statistics_parts,
                                                y->reference, rows, channels);
    report(trial, tensor, NULL, error, 2 * (1e-6 * sqrt(y->length + (double)rows) + ROUNDINGS * y->rounding),
           to);
}

/* Reports what an input gradient leaves for batch normalisation. Errors are those of dx and of sums over its
 * rows. */
static void judge_gradient_sums(const check_trial *trial, const sink *to)
{
    const check_tensor *t = trial->tensors, *dx = &t[RNCL_SLOT_dx];
    const rncl_spec_layout layout = spec_of(trial)->layout(&trial->c, RNCL_SLOT_dx);
    const check_gradient_sums sums = {
        .rows = layout.size[0] * layout.size[1],
        .c = layout.size[2],
        .parts = (size_t)trial->op->needs.gradient_parts,
        .signs_width = trial->op->choice.signs_width,
        .dx = dx->reference,
        .x = t[RNCL_SLOT_before_x].reference,
        .relu_y = trial->op->needs.leaves_dz ? t[RNCL_SLOT_x].reference : NULL,
        .saved = t[RNCL_SLOT_before_saved].initial,
        .weight = t[RNCL_SLOT_before_weight].initial,
        .bias = t[RNCL_SLOT_before_bias].initial,
        .sums = t[RNCL_SLOT_gradient_sums].results[0],
    };
    report(trial, &t[RNCL_SLOT_gradient_sums], NULL, check_gradient_sums_error(&sums),
           2 * (1e-6 * sqrt(dx->length + (double)sums.rows) + ROUNDINGS * dx->rounding), to);
}

/* Where device and host round a sum to different neighbours they are an element's last digit apart. */
static double of_elements(const check_trial *trial, const check_tensor *tensor)
{
    return tensor->elements ? rncl_precision_rounding(trial->context->precision) : 0.0;
}

/* Reports one result for each tensor that the reference computes, and one for each fault of any tensor. */
static void judge(const check_trial *trial, const sink *to)
{
    for (const check_tensor *tensor = trial->tensors; tensor < trial->tensors + RNCL_SLOTS; tensor++) {
        for (size_t i = 0; i < COUNT(fault_texts); i++)
            if (tensor->faults & (unsigned)fault_texts[i].fault)
                report(trial, tensor, fault_texts[i].text, RNCL_CHECK_BROKEN, 0.0, to);
        if (!check_tensor_is_result(tensor))
            continue;
        const double error = check_tensor_error(tensor);
        report(trial, tensor, error < RNCL_CHECK_BROKEN ? NULL : "holds values that are not numbers", error,
               tensor->exact
                   ? 0.0
                   : 1e-6 * sqrt(tensor->length) + ROUNDINGS * tensor->rounding + of_elements(trial, tensor),
               to);
    }
    if (trial->tensors[RNCL_SLOT_statistics].role != CHECK_ABSENT)
        judge_statistics(trial, to);
    if (trial->op->needs.gradient_parts && trial->phases > 1)
        judge_gradient_sums(trial, to);
}

rncl_status check_trial_run(check_trial *trial,
                            void (*report_result)(void *user, const rncl_check_result *result), void *user)
{
    rncl_status st = create_op(trial);
    if (!st) {
        declare_tensors(trial);
        st = create_tensors(trial);
    }
    if (!st) {
        prepare(trial);
        st = run_once(trial, 0);
    }
    if (!st)
        st = run_once(trial, 1);
    if (!st)
        judge(trial, &(sink){report_result, user});
    FOR_TENSORS (trial, tensor)
        check_tensor_destroy(tensor);
    rncl_op_destroy(trial->op);
    return st;
}
