/* A training loop of one's own: training_loop RUN [resume]
 * It looks at a parameter between steps, evaluates and saves when it likes, and can go on where it was. */
#include <math.h>
#include <rncl/rncl.h>
#include <stdio.h>
#include <string.h>

/* The length of a parameter as a vector, or -1. */
static double norm_of(rncl_trainer *trainer, const char *name)
{
    static float values[1 << 16];
    rncl_parameter parameter = {.rank = 0};
    for (size_t i = 0; i < rncl_trainer_parameter_count(trainer); i++)
        if (!rncl_trainer_parameter(trainer, i, &parameter) && !strcmp(parameter.name, name))
            break;
    if (parameter.count > sizeof values / sizeof *values ||
        rncl_trainer_read(trainer, name, values, parameter.count))
        return -1;
    double sum = 0;
    for (size_t i = 0; i < parameter.count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

static rncl_status loop(rncl_trainer *trainer)
{
    rncl_status st = RNCL_OK;
    rncl_progress progress;
    rncl_evaluation evaluation;
    while (!st && !rncl_trainer_finished(trainer)) {
        st = rncl_trainer_step(trainer, 5, &progress);
        if (!st && (progress.step % 10 == 0 || rncl_trainer_evaluation_due(trainer))) {
            st = rncl_trainer_evaluate(trainer, &evaluation);
            if (!st)
                st = rncl_trainer_save(trainer);
            if (!st)
                printf("step %2d of %d  loss %.3f  %5.1f %% right  |fc.weight| %.3f\n", (int)progress.step,
                       (int)progress.steps, progress.loss, evaluation.top1, norm_of(trainer, "fc.weight"));
        }
    }
    return st;
}

int main(int argc, char **argv)
{
    static const char *const options[][2] = {{"arch", "cifar-resnet"}, {"depth", "8"}, {"image", "8"},
                                             {"batch-size", "16"},     {"lr", "0.05"}, {"steps", "20"},
                                             {"eval-every", "100"}};
    const int resumes = argc > 2 && !strcmp(argv[2], "resume");
    rncl_session *session = NULL;
    rncl_trainer *trainer = NULL;

    rncl_status st = rncl_session_create(&session);
    /* A resumed run has its options in its folder. */
    for (size_t i = 0; !st && !resumes && i < sizeof options / sizeof *options; i++)
        st = rncl_session_set(session, options[i][0], options[i][1]);
    if (!st && argc > 1)
        st = rncl_session_set(session, resumes ? "resume" : "out", argv[1]);
    if (!st && resumes)
        st = rncl_session_set(session, "steps", "40");
    if (!st)
        st = rncl_trainer_create(session, &trainer);
    if (!st)
        st = loop(trainer);
    if (st)
        fprintf(stderr, "training_loop: %s\n", rncl_status_message());
    rncl_trainer_destroy(trainer);
    rncl_session_destroy(session);
    return rncl_status_exit(st);
}
