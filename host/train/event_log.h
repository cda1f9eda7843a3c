/* A training for TensorBoard, in event files of its run folder. */
#ifndef RNCL_TRAIN_EVENT_LOG_H
#define RNCL_TRAIN_EVENT_LOG_H

#include <stdint.h>

#include "status.h"

struct rncl_training;

typedef struct rncl_event_log rncl_event_log;

/* Whether options->tensorboard can be had; RNCL_ERR_USAGE if rncl was built without protobuf-c. */
rncl_status rncl_event_log_check(void);

/* A new file, for what comes after the step at which `training` stands. RNCL_ERR_IO. */
rncl_status rncl_event_log_open(const struct rncl_training *training, rncl_event_log **out);
void rncl_event_log_close(rncl_event_log *log); /* takes NULL */

/* Each takes NULL for `log`, and then does nothing. */

/* Loss and learning rate of the step that training->state counts last. */
rncl_status rncl_event_log_step(rncl_event_log *log, int64_t step, double loss, float lr);

/* The evaluation that training->state has last; the weights as histograms, the filters of the first layer,
 * and the answers for the first validation pictures. Reads the network's parameters into
 * training->vectors.params. No batch may be outstanding. */
struct rncl_metrics_row;
rncl_status rncl_event_log_evaluation(rncl_event_log *log, struct rncl_training *training,
                                      const struct rncl_metrics_row *row);

#endif
