/* Several threads with a session each. */
#include <pthread.h>

#include "api_test.h"

enum { THREADS = 3 };

/* A thread's training. CLBlast's state is shared by all threads. */
typedef struct task {
    char out[32];
    const char *algorithm;
    rncl_status status;
    char message[256], logged[4096];
} task;

static void note(void *user, rncl_log_level level, const char *line)
{
    task *t = user;
    const size_t length = strlen(t->logged);
    (void)level;
    snprintf(t->logged + length, sizeof t->logged - length, "%s\n", line);
}

static void *train(void *user)
{
    task *t = user;
    const rncl_log log = {note, t};
    rncl_session *session = small_session(t->out);
    rncl_session_set_log(session, &log);
    set(session, "steps", "6");
    set(session, "algorithm", t->algorithm);
    t->status = rncl_session_train(session, NULL, NULL);
    if (t->status)
        snprintf(t->message, sizeof t->message, "%s", rncl_status_message());
    rncl_session_destroy(session);
    return NULL;
}

static void run_together(task *tasks, size_t count)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, train, &tasks[i]), 0);
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        if (tasks[i].status)
            fail_msg("%s: %s", tasks[i].out, tasks[i].message);
    }
}

static void trainings_side_by_side_give_the_bits_of_trainings_alone(void **unused)
{
    (void)unused;
    static const char *const algorithms[THREADS] = {"direct", "im2col_gemm", "im2col_gemm"};
    task together[THREADS] = {0}, alone = {0};
    for (int i = 0; i < THREADS; i++) {
        snprintf(together[i].out, sizeof together[i].out, "together%d", i);
        together[i].algorithm = algorithms[i];
    }
    run_together(together, THREADS);
    for (int i = 0; i < THREADS; i++) {
        char own[64];
        snprintf(own, sizeof own, "run       together%d", i);
        assert_non_null(strstr(together[i].logged, own));
        snprintf(alone.out, sizeof alone.out, "alone%d", i);
        alone.algorithm = algorithms[i];
        run_together(&alone, 1);
        expect_same_run(together[i].out, alone.out);
    }
}

static void *fail_often(void *user)
{
    const char *name = user;
    rncl_session *session;
    for (int i = 0; i < 1000; i++) {
        expect_ok(rncl_session_create(&session));
        expect_failure(rncl_session_set(session, name, "1"), RNCL_ERR_USAGE, name);
        rncl_session_destroy(session);
    }
    return NULL;
}

static void messages_are_kept_per_thread(void **unused)
{
    (void)unused;
    static char names[THREADS][16] = {"first-thread", "second-thread", "third-thread"};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fail_often, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trainings_side_by_side_give_the_bits_of_trainings_alone),
        cmocka_unit_test(messages_are_kept_per_thread),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
