/* Checkpoints and models when memory runs short or the disk fails: each call of libc fails once, and the file
 * that was there stays, or is replaced by the whole new one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "checkpoint.h"
#include "safetensors.h"
#include "train_test.h"

/* ---- calls that fail ---- */

static struct {
    bool armed, later; /* later: all calls after it fail too */
    int left, failed;  /* calls until one fails, calls that have failed */
} plan;

static bool fails(int error)
{
    if (!plan.armed || plan.left-- > 0 || (plan.failed && !plan.later))
        return false;
    plan.failed++;
    errno = error;
    return true;
}

/* The linker's --wrap puts these in the place of rncl's calls. */
#define CALL(type, name, parameters, arguments, error, failure)                                              \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails(error) ? (failure) : __real_##name arguments;                                           \
    }

CALL(void *, malloc, (size_t size), (size), ENOMEM, NULL)
CALL(void *, calloc, (size_t count, size_t size), (count, size), ENOMEM, NULL)
CALL(char *, strdup, (const char *text), (text), ENOMEM, NULL)
CALL(char *, strndup, (const char *text, size_t size), (text, size), ENOMEM, NULL)
CALL(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), EMFILE, -1)
CALL(FILE *, fdopen, (int descriptor, const char *mode), (descriptor, mode), ENOMEM, NULL)
CALL(int, fstat, (int descriptor, struct stat *info), (descriptor, info), EIO, -1)
CALL(ssize_t, read, (int descriptor, void *bytes, size_t size), (descriptor, bytes, size), EIO, -1)
CALL(int, fflush, (FILE * stream), (stream), ENOSPC, EOF)
CALL(int, fsync, (int descriptor), (descriptor), ENOSPC, -1)
CALL(int, rename, (const char *from, const char *to), (from, to), EACCES, -1)
CALL(ssize_t, getrandom, (void *bytes, size_t size, unsigned flags), (bytes, size, flags), ENOSYS, -1)

/* Two rounds: every call fails once, then all calls from one on. */
static void let_fail(int round, int call)
{
    plan.armed = true;
    plan.later = round;
    plan.left = call;
    plan.failed = 0;
}

/* Whether a call has failed since then. */
static bool has_failed(void)
{
    plan.armed = false;
    return plan.failed;
}

/* The message does not call the file damaged, which it is not. */
static void expect_other_reason(int call)
{
    static const char *const reasons[] = {"damaged", "cut off", "not a ", "neither", "duplicates"};
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strstr(rncl_status_message(), reasons[i]))
            fail_msg("call %d: %s", call, rncl_status_message());
}

/* ---- checkpoints ---- */

enum { PARAMS = 5, STATE = 2 };

static const rncl_checkpoint kept = {.path = "last.ckpt", .param_floats = PARAMS, .state_floats = STATE};

typedef struct contents {
    rncl_run_state state;
    float params[PARAMS], running[STATE], velocity[PARAMS];
} contents;

static rncl_status save(long step)
{
    contents c = {.state = rncl_run_state_start()};
    c.state.step = step;
    return rncl_checkpoint_save(&kept, &c.state,
                                &(rncl_network_vectors){c.params, c.running, c.velocity, NULL, NULL, NULL});
}

static rncl_status load(long *step)
{
    contents c;
    const rncl_status st = rncl_checkpoint_load(
        &kept, &c.state, &(rncl_network_vectors){c.params, c.running, c.velocity, NULL, NULL, NULL});
    *step = st ? -1 : (long)c.state.step;
    return st;
}

static void expect_no_leftovers(void)
{
    assert_int_equal(system("ls | grep -q '\\.[A-Z][a-z][0-9][0-9][A-Z][a-z]$'") != 0, 1);
}

static void saving_a_checkpoint_keeps_the_old_one_or_writes_the_new_one(void **state)
{
    (void)state;
    for (int call = 0, round = 0; round < 2; call++) {
        long step;
        expect_ok(save(1));
        let_fail(round, call);
        const rncl_status st = save(2);
        const bool failed = has_failed();
        expect_ok(load(&step));
        assert_int_equal(step, st ? 1 : 2);
        assert_true(!st || st == RNCL_ERR_IO || st == RNCL_ERR_MEMORY);
        if (!failed) {
            assert_int_equal(st, RNCL_OK);
            call = -1, round++;
        }
    }
    expect_no_leftovers();
}

static void a_checkpoint_that_cannot_be_read_is_no_other(void **state)
{
    (void)state;
    expect_ok(save(1));
    for (int call = 0, round = 0; round < 2; call++) {
        long step;
        let_fail(round, call);
        const rncl_status st = load(&step);
        if (!has_failed()) {
            expect_ok(st);
            call = -1, round++;
            continue;
        }
        assert_true(st == RNCL_ERR_MODEL || st == RNCL_ERR_MEMORY);
        expect_other_reason(call);
    }
}

/* ---- models ---- */

static const char model[] = "model.safetensors";
/* Jansson enlarges its memory for it several times. */
static const char note[] = "a text of more bytes than those that are there at first, and than twice as many";

static rncl_status write_model(float value)
{
    static const rncl_file_tensor tensors[] = {{.name = "a", .dtype = RNCL_DTYPE_F32, .rank = 1, .dims = {1}},
                                               {.name = "b", .dtype = RNCL_DTYPE_I64}};
    const struct {
        float a, b[2];
    } bytes = {value, {0}};
    rncl_atomic_file out = {0};
    json_t *metadata = json_object();
    rncl_status st = json_object_set_new(metadata, "note", json_string(note)) ? RNCL_ERR_MEMORY : RNCL_OK;
    if (!st)
        st = rncl_safetensors_seal(model, metadata, rncl_safetensors_add(0, &bytes, sizeof bytes));
    if (!st)
        st = rncl_safetensors_create(model, metadata, tensors, COUNT(tensors), &out);
    if (!st) {
        fwrite(&bytes, sizeof bytes, 1, out.stream);
        st = rncl_atomic_file_commit(&out);
    }
    json_decref(metadata);
    return st;
}

static rncl_status read_model(float *value)
{
    rncl_tensor_file file;
    RNCL_TRY(rncl_tensor_file_open(model, &file));
    const rncl_status st = rncl_tensor_file_verify(model, &file);
    if (!st) {
        memcpy(value, rncl_tensor_file_find(&file, "a")->data, sizeof *value);
        assert_string_equal(rncl_tensor_file_metadata(&file, "note"), note);
    }
    rncl_tensor_file_close(&file);
    return st;
}

static void writing_a_model_keeps_the_old_one_or_writes_the_new_one(void **state)
{
    (void)state;
    for (int call = 0, round = 0; round < 2; call++) {
        float value;
        expect_ok(write_model(1));
        let_fail(round, call);
        const rncl_status st = write_model(2);
        const bool failed = has_failed();
        expect_ok(read_model(&value));
        assert_true(value == (st ? 1 : 2));
        assert_true(!st || st == RNCL_ERR_IO || st == RNCL_ERR_MEMORY);
        if (!failed) {
            assert_int_equal(st, RNCL_OK);
            call = -1, round++;
        }
    }
    expect_no_leftovers();
}

static void a_model_that_cannot_be_read_is_no_other(void **state)
{
    (void)state;
    expect_ok(write_model(3));
    for (int call = 0, round = 0; round < 2; call++) {
        float value = 0;
        let_fail(round, call);
        const rncl_status st = read_model(&value);
        if (!has_failed()) {
            expect_ok(st);
            call = -1, round++;
            continue;
        }
        if (st)
            expect_other_reason(call);
        else
            assert_true(value == 3);
    }
}

int main(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saving_a_checkpoint_keeps_the_old_one_or_writes_the_new_one),
        cmocka_unit_test(a_checkpoint_that_cannot_be_read_is_no_other),
        cmocka_unit_test(writing_a_model_keeps_the_old_one_or_writes_the_new_one),
        cmocka_unit_test(a_model_that_cannot_be_read_is_no_other),
    };
    return cmocka_run_group_tests_name("failing calls", tests, make_folder, remove_folder);
}
