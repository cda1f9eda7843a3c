/* Operations of op_list.h as trials. */
#include "op_trial.h"

#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "tunable.h"

/* Each draw is programs of its own to compile. */
enum { TRIALS_A_DRAW = 25 };

static void declare_tensors(check_trial *trial, const rncl_op_needs *needs)
{
    const check_variant *variant = trial->variant;
    bool backward = !variant->inference;
    bool in_place = variant->in_place && !memcmp(&needs->residual, &needs->y, sizeof needs->y);
    check_role dx = variant->flags & RNCL_OP_ACCUMULATE_DX ? CHECK_ADDED : CHECK_OUTPUT;
    bool dx_in_x = variant->in_place && backward && needs->dx_may_be_x && dx == CHECK_OUTPUT;
    check_role dparams = variant->flags & RNCL_OP_ACCUMULATE_PARAMS ? CHECK_ADDED : CHECK_OUTPUT;
    check_role running = variant->inference || variant->frozen ? CHECK_INPUT : CHECK_UPDATED;
    size_t x_bytes = rncl_shape_bytes(needs->x), y_bytes = rncl_shape_bytes(needs->y);
    size_t residual_bytes = rncl_shape_bytes(needs->residual), running_bytes = needs->running * sizeof(float);
    size_t weight_bytes = needs->weight * sizeof(float), bias_bytes = needs->bias * sizeof(float);

    check_declare(trial, CHECK_x, dx_in_x ? CHECK_CONSUMED : CHECK_INPUT, CHECK_FORWARD, x_bytes);
    check_declare(trial, CHECK_residual, CHECK_INPUT, CHECK_FORWARD, residual_bytes);
    check_declare(trial, CHECK_y, CHECK_OUTPUT, CHECK_FORWARD, y_bytes);
    check_declare(trial, CHECK_weight, CHECK_INPUT, CHECK_FORWARD, weight_bytes);
    check_declare(trial, CHECK_bias, CHECK_INPUT, CHECK_FORWARD, bias_bytes);
    check_declare(trial, CHECK_running_mean, running, CHECK_FORWARD, running_bytes);
    check_declare(trial, CHECK_running_variance, running, CHECK_FORWARD, running_bytes);
    check_declare(trial, CHECK_saved, CHECK_SCRATCH, CHECK_FORWARD, needs->saved_bytes);
    check_declare(trial, CHECK_packed, CHECK_SCRATCH, CHECK_FORWARD, needs->packed_bytes);
    check_declare(trial, CHECK_workspace, CHECK_SCRATCH, CHECK_FORWARD, needs->workspace_bytes);
    check_declare(trial, CHECK_statistics, CHECK_SCRATCH, CHECK_FORWARD,
                  rncl_op_statistics_bytes(needs->statistics_parts, needs->y.c));
    trial->tensors[CHECK_workspace].root = true; /* GEMM cuts it into sub-buffers of its own */
    trial->tensors[CHECK_workspace].dead = true;
    if (!backward)
        return;
    check_declare(trial, CHECK_dy, in_place ? CHECK_CONSUMED : CHECK_INPUT, CHECK_BACKWARD, y_bytes);
    check_declare(trial, CHECK_dx, dx, CHECK_BACKWARD, variant->no_dx ? 0 : x_bytes);
    check_declare(trial, CHECK_dresidual, CHECK_OUTPUT, CHECK_BACKWARD, residual_bytes);
    if (!variant->frozen) {
        check_declare(trial, CHECK_dweight, dparams, CHECK_BACKWARD, weight_bytes);
        check_declare(trial, CHECK_dbias, dparams, CHECK_BACKWARD, bias_bytes);
    }
    if (in_place)
        trial->tensors[CHECK_dresidual].shares = &trial->tensors[CHECK_dy];
    if (dx_in_x)
        trial->tensors[CHECK_dx].shares = &trial->tensors[CHECK_x];
    trial->tensors[CHECK_x].dead = !needs->backward_reads_x;
    trial->tensors[CHECK_y].dead = !needs->backward_reads_y;
    trial->tensors[CHECK_residual].dead = true;
}

/* Values for the trial's algorithm; NULL, the presets, where it does not do the pass. */
static const rncl_setting *draw_setting(void *state, const rncl_op_desc *desc, int pass)
{
    check_trial *trial = state;
    rncl_tunable t = {.context = trial->context, .desc = *desc, .pass = pass};
    rncl_setting presets = {0};
    snprintf(presets.algorithm, sizeof presets.algorithm, "%s", trial->algorithm ? trial->algorithm : "");
    if (!rncl_tunable_take(&t, &presets) || !rncl_tunable_draw(&t, &trial->random))
        return NULL;
    trial->settings[pass] = rncl_tunable_setting(&t);
    return &trial->settings[pass];
}

void check_op_draw_knobs(check_trial *trial)
{
    if (check_once_in(&trial->random, TRIALS_A_DRAW))
        trial->tuned = (rncl_tuned){.lookup = draw_setting, .state = trial};
}

rncl_status check_op_create(check_trial *trial)
{
    const rncl_op_choice choice = {
        .algorithm = trial->algorithm,
        .tuned = trial->tuned,
        .left_out = trial->variant->inference ? ~RNCL_PASS_BIT(RNCL_OP_FORWARD) : 0,
        .no_dx = trial->variant->no_dx,
        .frozen = trial->variant->frozen,
    };
    rncl_op *op;
    RNCL_TRY(rncl_op_create(trial->context, &trial->shape.op, &choice, &op));
    trial->subject = op;
    trial->phases = trial->variant->inference ? 1 : 2;
    declare_tensors(trial, &op->needs);
    return rncl_op_build(op);
}

rncl_status check_op_launch(check_trial *trial, check_phase phase)
{
    const rncl_op_buffers buffers = {
#define X(name) .name = trial->tensors[CHECK_##name].buffer,
        CHECK_OP_SLOTS(X)
#undef X
    };
    if (phase == CHECK_BACKWARD)
        return rncl_op_backward(trial->subject, &buffers, trial->variant->flags);
    RNCL_TRY(rncl_op_prepare(trial->subject, &buffers));
    return rncl_op_forward(trial->subject, &buffers, trial->variant->inference ? 0 : RNCL_OP_TRAINING);
}

void check_op_destroy(check_trial *trial)
{
    rncl_op_destroy(trial->subject);
}
