/* Says what a trained model sees in pictures: predict MODEL.safetensors IMAGE... */
#include <rncl/rncl.h>
#include <stdio.h>

static rncl_status print(void *user, const rncl_prediction *prediction)
{
    (void)user;
    printf("%s\n", prediction->path);
    for (int i = 0; i < prediction->top_count; i++) {
        const rncl_answer *answer = &prediction->top[i];
        printf("  %5.1f %%  %s\n", 100 * answer->probability, answer->label ? answer->label : "?");
    }
    return RNCL_OK;
}

static void warn(void *user, rncl_log_level level, const char *line)
{
    (void)user;
    if (level == RNCL_LOG_WARNING)
        fprintf(stderr, "warning: %s\n", line);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: predict MODEL.safetensors IMAGE...\n");
        return rncl_status_exit(RNCL_ERR_USAGE);
    }
    const rncl_log log = {.write = warn};
    const rncl_prediction_sink sink = {.take = print};
    rncl_session *session = NULL;
    rncl_predictor *predictor = NULL;

    rncl_status st = rncl_session_create(&session);
    if (!st) {
        rncl_session_set_log(session, &log);
        st = rncl_session_set(session, "model", argv[1]);
    }
    if (!st)
        st = rncl_session_set(session, "top", "3");
    if (!st)
        st = rncl_predictor_create(session, &predictor);
    if (!st)
        st = rncl_predictor_files(predictor, (const char *const *)argv + 2, (uint32_t)(argc - 2), &sink);
    if (st)
        fprintf(stderr, "predict: %s\n", rncl_status_message());
    rncl_predictor_destroy(predictor);
    rncl_session_destroy(session);
    return rncl_status_exit(st);
}
