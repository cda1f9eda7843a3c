/* Checkpoints: saved values are loaded again, and damaged files are refused. */
#include "checkpoint.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "train_test.h"

enum { PARAMS = 13, STATE = 6 };

static const char path[] = "last.ckpt";
static const rncl_checkpoint known = {
    .path = path,
    .fingerprint = 0x1234,
    .data = {.class_count = 3, .class_names = 5, .training_count = 60, .training = 6, .validation = 7},
    .param_floats = PARAMS,
    .state_floats = STATE,
    .averaged = true,
};

/* Everything that a checkpoint holds. */
typedef struct contents {
    rncl_run_state state;
    float params[PARAMS], running[STATE], velocity[PARAMS], average[PARAMS], average_running[STATE];
} contents;

static rncl_network_vectors vectors_of(contents *c)
{
    return (rncl_network_vectors){c->params, c->running, c->velocity, c->average, c->average_running, NULL};
}

static contents example(void)
{
    contents c = {.state = rncl_run_state_start()};
    c.state.step = 7;
    c.state.plateau.drops = 2;
    c.state.sums.loss = 0.1;
    c.state.best_top1 = 91.5;
    c.state.seconds = 3.25;
    for (int i = 0; i < PARAMS; i++) {
        c.params[i] = (float)i / 3;
        c.velocity[i] = -(float)i;
        c.average[i] = (float)i / 7;
    }
    for (int i = 0; i < STATE; i++)
        c.running[i] = c.average_running[i] = 1.0f / (float)(i + 1);
    return c;
}

static void save_example(void)
{
    contents c = example();
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_ok(rncl_checkpoint_save(&known, &c.state, &vectors));
}

/* Loading fails with RNCL_ERR_MODEL and touches nothing. */
static void expect_refused(const rncl_checkpoint *checkpoint, const char *part)
{
    contents c, untouched;
    memset(&c, 0x55, sizeof c);
    memset(&untouched, 0x55, sizeof untouched);
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_failure(rncl_checkpoint_load(checkpoint, &c.state, &vectors), RNCL_ERR_MODEL, part);
    assert_memory_equal(&c, &untouched, sizeof c);
}

static void what_is_saved_is_loaded(void **state)
{
    (void)state;
    save_example();
    contents wanted = example(), c;
    memset(&c, 0, sizeof c);
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_ok(rncl_checkpoint_load(&known, &c.state, &vectors));
    assert_memory_equal(&c, &wanted, sizeof c);
}

static void a_file_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    save_example();
    rncl_contents whole;
    expect_ok(rncl_file_read(path, &whole));
    rncl_checkpoint cut = known;
    cut.path = "cut.ckpt";
    for (size_t size = 0; size < whole.size_bytes; size++) {
        expect_ok(rncl_file_write(cut.path, whole.data, size));
        expect_refused(&cut, "cut.ckpt");
    }
    rncl_contents_free(&whole);
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    (void)state;
    save_example();
    rncl_contents whole;
    expect_ok(rncl_file_read(path, &whole));
    unsigned char *copy = malloc(whole.size_bytes);
    assert_non_null(copy);
    rncl_checkpoint hurt = known;
    hurt.path = "hurt.ckpt";
    for (size_t i = 0; i < whole.size_bytes; i++) {
        memcpy(copy, whole.data, whole.size_bytes);
        copy[i] ^= (unsigned char)(1 << i % 8);
        expect_ok(rncl_file_write(hurt.path, copy, whole.size_bytes));
        expect_refused(&hurt, "hurt.ckpt");
    }
    free(copy);
    rncl_contents_free(&whole);
}

static void a_file_with_something_behind_its_end_is_refused(void **state)
{
    (void)state;
    save_example();
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs("more", file);
    fclose(file);
    expect_refused(&known, path);
}

static void the_checkpoint_of_another_run_is_refused(void **state)
{
    (void)state;
    save_example();
    rncl_checkpoint other = known;
    other.fingerprint++;
    expect_refused(&other, "another network");
    other = known;
    other.param_floats--;
    expect_refused(&other, "another network");
    other = known;
    other.state_floats++;
    expect_refused(&other, "another network");
}

/* As a faulty program would write it: a float is missing, and the checksum is right. */
static void a_file_of_another_length_is_refused(void **state)
{
    (void)state;
    save_example();
    rncl_contents whole;
    expect_ok(rncl_file_read(path, &whole));
    const size_t hashed = whole.size_bytes - sizeof(uint64_t) - sizeof(float);
    const uint64_t hash = rncl_hash(RNCL_HASH_START, whole.data, hashed);
    rncl_atomic_file file;
    expect_ok(rncl_atomic_file_create(path, &file));
    fwrite(whole.data, 1, hashed, file.stream);
    fwrite(&hash, 1, sizeof hash, file.stream);
    expect_ok(rncl_atomic_file_commit(&file));
    rncl_contents_free(&whole);
    expect_refused(&known, "another network");
}

static void rounding_errors_of_as_many_ranks_are_loaded(void **state)
{
    (void)state;
    float saved[3 * PARAMS], loaded[3 * PARAMS] = {0};
    for (int i = 0; i < 3 * PARAMS; i++)
        saved[i] = 1 + (float)i;
    rncl_checkpoint_errors errors = {.values = saved, .ranks = 3};
    rncl_checkpoint with = known;
    with.errors = &errors;
    contents c = example(), wanted = example();
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_ok(rncl_checkpoint_save(&with, &c.state, &vectors));
    memset(&c, 0, sizeof c);
    errors = (rncl_checkpoint_errors){.values = loaded, .ranks = 2};
    expect_ok(rncl_checkpoint_load(&with, &c.state, &vectors));
    assert_memory_equal(&c, &wanted, sizeof c);
    assert_int_equal(errors.found, 3);
    assert_true(loaded[0] == 0);
    errors.ranks = 3;
    expect_ok(rncl_checkpoint_load(&with, &c.state, &vectors));
    assert_memory_equal(loaded, saved, sizeof saved);
    expect_ok(rncl_checkpoint_load(&known, &c.state, &vectors)); /* by a run that has no use for them */
    save_example();
    expect_ok(rncl_checkpoint_load(&with, &c.state, &vectors));
    assert_int_equal(errors.found, 0);
}

static void other_data_are_refused_saying_what_differs(void **state)
{
    (void)state;
    save_example();
    rncl_checkpoint other = known;
    other.data.class_names++;
    expect_refused(&other, "saved: other classes; restore");
    other = known;
    other.data.training_count = 61;
    other.data.validation++;
    expect_refused(&other, " 60 training pictures, now 61; other validation pictures; restore");
    contents c;
    const rncl_network_vectors vectors = vectors_of(&c);
    other.any_data = true;
    expect_ok(rncl_checkpoint_load(&other, &c.state, &vectors));
    assert_int_equal(c.state.step, 7);
}

/* Their checksums are right, as if a faulty program had written them. */
static void a_state_in_which_no_run_can_be_is_refused(void **state)
{
    (void)state;
    enum { KINDS = 14 };
    for (int kind = 0; kind < KINDS; kind++) {
        contents c = example();
        rncl_run_state *s = &c.state;
        const struct {
            int64_t *field;
            int64_t value;
        } wrong[] = {{&s->step, -1},           {&s->evaluated_step, -2},
                     {&s->evaluated_step, 8},  {&s->batches_tracked, -1},
                     {&s->plateau.waited, -1}, {&s->plateau.stale, -1},
                     {&s->plateau.drops, -1},  {&s->sums.count, -1},
                     {&s->sums.top1, -1},      {&s->sums.top1, 1},
                     {&s->rollbacks, -1},      {&s->rollbacks, RNCL_MOST_ROLLBACKS + 1}};
        if (kind < (int)COUNT(wrong))
            *wrong[kind].field = wrong[kind].value;
        else
            s->seconds = kind == KINDS - 1 ? (double)NAN : -1;
        const rncl_network_vectors vectors = vectors_of(&c);
        expect_ok(rncl_checkpoint_save(&known, s, &vectors));
        expect_refused(&known, "no run can stand");
    }
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    contents c = example();
    const rncl_network_vectors vectors = vectors_of(&c);
    rncl_checkpoint elsewhere = known;
    elsewhere.path = "nowhere/last.ckpt";
    expect_failure(rncl_checkpoint_save(&elsewhere, &c.state, &vectors), RNCL_ERR_IO, elsewhere.path);
}

static void averages_are_asked_for_where_they_are(void **state)
{
    (void)state;
    save_example();
    rncl_checkpoint without = known;
    without.averaged = false;
    expect_refused(&without, "saved with --ema");
    contents wanted = example(), c;
    memset(&wanted.average, 0, sizeof wanted.average);
    memset(&wanted.average_running, 0, sizeof wanted.average_running);
    memset(&c, 0, sizeof c);
    const rncl_network_vectors to = vectors_of(&c), from = vectors_of(&wanted);
    expect_ok(rncl_checkpoint_save(&without, &wanted.state, &from));
    expect_refused(&known, "saved without --ema");
    expect_ok(rncl_checkpoint_load(&without, &c.state, &to));
    assert_memory_equal(&c, &wanted, sizeof c);
}

static void what_is_no_checkpoint_is_refused(void **state)
{
    (void)state;
    write_text(path, "this is a text, and long enough to be anything else: "
                     "..............................................................................."
                     "..............................................................................");
    expect_refused(&known, "not a checkpoint");
    unlink(path);
    expect_refused(&known, path);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    save_example();
    contents wanted = example(), c = example();
    c.state.step++;
    const rncl_network_vectors vectors = vectors_of(&c);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const rncl_status st = rncl_checkpoint_save(&known, &c.state, &vectors);
    setrlimit(RLIMIT_FSIZE, &before);
    expect_failure(st, RNCL_ERR_IO, path);
    expect_ok(rncl_checkpoint_load(&known, &c.state, &vectors));
    assert_memory_equal(&c, &wanted, sizeof c);
}

/* Saves the example, with one bit of byte `at` changed; SIZE_MAX: none. */
static void save_spoilt(size_t at, size_t size_bytes)
{
    rncl_contents file;
    save_example();
    expect_ok(rncl_file_read(path, &file));
    unsigned char *bytes = (unsigned char *)(uintptr_t)file.data;
    if (at != SIZE_MAX)
        bytes[at] ^= 128;
    expect_ok(rncl_file_write(path, bytes, MIN(size_bytes, file.size_bytes)));
    rncl_contents_free(&file);
}

/* What version 3 wrote: the header ends before the loss's scale. */
static void save_version_3(void)
{
    enum { VERSION_BYTE = 8, HEADER_BYTES = 6 * 8 + sizeof(rncl_run_data) + sizeof(rncl_run_state) };
    rncl_contents file;
    save_example();
    expect_ok(rncl_file_read(path, &file));
    const size_t rest = file.size_bytes - HEADER_BYTES - sizeof(uint64_t);
    unsigned char *bytes = malloc(file.size_bytes);
    assert_non_null(bytes);
    const size_t before = HEADER_BYTES - sizeof(rncl_loss_scale);
    memcpy(bytes, file.data, before);
    memcpy(bytes + before, file.data + HEADER_BYTES, rest);
    bytes[VERSION_BYTE] = 3;
    const uint64_t hash = rncl_hash(RNCL_HASH_START, bytes, before + rest);
    memcpy(bytes + before + rest, &hash, sizeof hash);
    expect_ok(rncl_file_write(path, bytes, before + rest + sizeof hash));
    free(bytes);
    rncl_contents_free(&file);
}

static void a_file_without_a_loss_scale_is_loaded_with_the_first_one(void **state)
{
    (void)state;
    save_version_3();
    contents wanted = example(), c;
    rncl_run_data data;
    memset(&c, 0, sizeof c);
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_ok(rncl_checkpoint_load(&known, &c.state, &vectors));
    assert_memory_equal(&c, &wanted, sizeof c);
    expect_ok(rncl_checkpoint_peek(path, &c.state, &data));
    assert_memory_equal(&c.state, &wanted.state, sizeof c.state);
}

static void a_file_with_an_impossible_loss_scale_is_refused(void **state)
{
    (void)state;
    contents c = example();
    c.state.loss_scale.scale = 3;
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_ok(rncl_checkpoint_save(&known, &c.state, &vectors));
    expect_refused(&known, "stands where no run can stand");
}

static void what_it_says_can_be_read_without_its_weights(void **unused)
{
    (void)unused;
    enum { MAGIC = 0, VERSION_BYTE = 8 };
    static const struct {
        size_t at, size_bytes;
    } refused[] = {{SIZE_MAX, 100}, {MAGIC, SIZE_MAX}, {VERSION_BYTE, SIZE_MAX}};
    rncl_run_state state;
    rncl_run_data data;
    save_example();
    expect_ok(rncl_checkpoint_peek(path, &state, &data));
    assert_int_equal(state.step, 7);
    assert_int_equal(data.training_count, 60);
    for (size_t i = 0; i < COUNT(refused); i++) {
        save_spoilt(refused[i].at, refused[i].size_bytes);
        expect_failure(rncl_checkpoint_peek(path, &state, &data), RNCL_ERR_MODEL, path);
    }
    contents c = example();
    c.state.step = -1;
    const rncl_network_vectors vectors = vectors_of(&c);
    expect_ok(rncl_checkpoint_save(&known, &c.state, &vectors));
    expect_failure(rncl_checkpoint_peek(path, &state, &data), RNCL_ERR_MODEL, path);
    expect_failure(rncl_checkpoint_peek("missing.ckpt", &state, &data), RNCL_ERR_MODEL, "missing.ckpt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(a_file_without_a_loss_scale_is_loaded_with_the_first_one),
        cmocka_unit_test(a_file_with_an_impossible_loss_scale_is_refused),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(a_file_with_something_behind_its_end_is_refused),
        cmocka_unit_test(the_checkpoint_of_another_run_is_refused),
        cmocka_unit_test(a_file_of_another_length_is_refused),
        cmocka_unit_test(rounding_errors_of_as_many_ranks_are_loaded),
        cmocka_unit_test(other_data_are_refused_saying_what_differs),
        cmocka_unit_test(a_state_in_which_no_run_can_be_is_refused),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
        cmocka_unit_test(averages_are_asked_for_where_they_are),
        cmocka_unit_test(what_is_no_checkpoint_is_refused),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(what_it_says_can_be_read_without_its_weights),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, make_folder, remove_folder);
}
