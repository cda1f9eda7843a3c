/* Trials of the operations of op_list.h: their needs as tensors, their passes as phases. */
#ifndef RNCL_CHECK_OP_TRIAL_H
#define RNCL_CHECK_OP_TRIAL_H

#include "trial.h"

/* Before create: in one trial of many the operation gets any values of its knobs that go together. */
void check_op_draw_knobs(check_trial *trial);

rncl_status check_op_create(check_trial *trial);
rncl_status check_op_launch(check_trial *trial, check_phase phase);
void check_op_destroy(check_trial *trial);

#endif
