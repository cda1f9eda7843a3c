/* What a session is inside the library. */
#ifndef RNCL_TRAIN_SESSION_H
#define RNCL_TRAIN_SESSION_H

#include "context.h"
#include "options.h"
#include "rncl/rncl.h"

struct rncl_session {
    rncl_options options;
    rncl_log log;
};

/* Opens the device that the session's options choose, with the session's log. */
rncl_status rncl_session_open_device(const rncl_session *session, rncl_context **out);

#endif
