/* Statuses, text, random numbers, and files that are written whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "random.h"
#include "status.h"
#include "util.h"

static void exit_statuses_are_those_of_the_command_line(void **state)
{
    (void)state;
    assert_int_equal(rncl_status_exit(RNCL_OK), 0);
    assert_int_equal(rncl_status_exit(RNCL_ERR_FAILURE), 1);
    assert_int_equal(rncl_status_exit(RNCL_ERR_USAGE), 2);
    assert_int_equal(rncl_status_exit(RNCL_ERR_DEVICE), 3);
    assert_int_equal(rncl_status_exit(RNCL_ERR_DATA), 4);
    assert_int_equal(rncl_status_exit(RNCL_ERR_DEVICE_MEMORY), 5);
    assert_int_equal(rncl_status_exit(RNCL_ERR_DIVERGED), 6);
    assert_int_equal(rncl_status_exit(RNCL_ERR_WRONG_RESULT), 7);
    assert_int_equal(rncl_status_exit(RNCL_ERR_MODEL), 8);
    assert_int_equal(rncl_status_exit(RNCL_ERR_INTERRUPTED), 130);
}

static void a_failure_may_quote_the_message_before_it(void **state)
{
    (void)state;
    assert_int_equal(RNCL_FAIL(RNCL_ERR_IO, "disk %d", 7), RNCL_ERR_IO);
    assert_int_equal(RNCL_FAIL(RNCL_ERR_MODEL, "model: %s", rncl_status_message()), RNCL_ERR_MODEL);
    assert_string_equal(rncl_status_message(), "model: disk 7");
}

static void hear_line(void *user, rncl_log_level level, const char *line)
{
    (void)level;
    snprintf(user, 64, "%s", line);
}

/* Names of files may have line breaks and terminal commands in them. */
static void messages_and_remarks_are_one_line_without_commands(void **state)
{
    (void)state;
    char heard[64] = "";
    const rncl_log log = {.write = hear_line, .user = heard};
    (void)RNCL_FAIL(RNCL_ERR_DATA, "a\nb\33[31m: no such file\177");
    assert_string_equal(rncl_status_message(), "a?b?[31m: no such file?");
    rncl_log_line(&log, RNCL_LOG_NOTE, "data %s, ü", "a\rb");
    assert_string_equal(heard, "data a?b, ü");
}

static void the_nearest_name_is_a_plausible_misspelling_or_none(void **state)
{
    (void)state;
    const char *const names[] = {"depth", "batch-size", "momentum"};
    assert_string_equal(rncl_text_nearest("dept", names, COUNT(names)), "depth");
    assert_string_equal(rncl_text_nearest("batchsize", names, COUNT(names)), "batch-size");
    assert_string_equal(rncl_text_nearest("batch", names, COUNT(names)), "batch-size");
    assert_null(rncl_text_nearest("zzzzzzzz", names, COUNT(names)));
}

/* The known answer of Random123's test vectors for counter 0, key 0. */
static void random_numbers_are_philox(void **state)
{
    (void)state;
    const uint32_t known[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    rncl_random random = rncl_random_stream(0, (rncl_random_purpose)0, 0, 0);
    for (size_t i = 0; i < COUNT(known); i++)
        assert_int_equal(rncl_random_u32(&random), known[i]);
}

static void streams_differ_by_purpose_epoch_sample_and_seed(void **state)
{
    (void)state;
    rncl_random streams[] = {
        rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0),
        rncl_random_stream(2, RNCL_RANDOM_TEST, 0, 0),
        rncl_random_stream(1, RNCL_RANDOM_INIT, 0, 0),
        rncl_random_stream(1, RNCL_RANDOM_TEST, 1, 0),
        rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 1),
        rncl_random_stream(UINT64_C(1) << 32, RNCL_RANDOM_TEST, 0, 0),
    };
    uint32_t first[COUNT(streams)];
    for (size_t i = 0; i < COUNT(streams); i++) {
        first[i] = rncl_random_u32(&streams[i]);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(first[i], first[j]);
    }
}

enum { COUNT_OF_DRAWS = 100000 };

static void distributions_have_their_moments(void **state)
{
    (void)state;
    rncl_random random = rncl_random_stream(3, RNCL_RANDOM_TEST, 0, 0);
    double uniform = 0, normal = 0, square = 0;
    unsigned below[7] = {0};
    for (int i = 0; i < COUNT_OF_DRAWS; i++) {
        float u = rncl_random_uniform(&random);
        assert_true(u >= 0.0f && u < 1.0f);
        uniform += (double)u;
        double z = (double)rncl_random_normal(&random);
        normal += z;
        square += z * z;
        below[rncl_random_below(&random, COUNT(below))]++;
    }
    assert_true(uniform / COUNT_OF_DRAWS > 0.495 && uniform / COUNT_OF_DRAWS < 0.505);
    assert_true(normal / COUNT_OF_DRAWS > -0.015 && normal / COUNT_OF_DRAWS < 0.015);
    assert_true(square / COUNT_OF_DRAWS > 0.98 && square / COUNT_OF_DRAWS < 1.02);
    for (size_t i = 0; i < COUNT(below); i++)
        assert_in_range(below[i], COUNT_OF_DRAWS / 7 - 600, COUNT_OF_DRAWS / 7 + 600);
}

/* Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)). */
static void beta_numbers_have_the_moments_of_their_distribution(void **state)
{
    (void)state;
    static const float alphas[] = {1e-4f, 0.2f, 1.0f, 8.0f};
    for (size_t i = 0; i < COUNT(alphas); i++) {
        rncl_random random = rncl_random_stream(5, RNCL_RANDOM_TEST, 0, (uint32_t)i);
        const double variance = 1 / (4 * (2 * (double)alphas[i] + 1));
        double sum = 0, squares = 0;
        for (int n = 0; n < COUNT_OF_DRAWS; n++) {
            const double share = (double)rncl_random_beta(&random, alphas[i]);
            assert_true(share >= 0 && share <= 1);
            sum += share - 0.5;
            squares += (share - 0.5) * (share - 0.5);
        }
        assert_true(sum / COUNT_OF_DRAWS > -0.01 && sum / COUNT_OF_DRAWS < 0.01);
        assert_true(squares / COUNT_OF_DRAWS > 0.95 * variance && squares / COUNT_OF_DRAWS < 1.05 * variance);
    }
}

static void a_permutation_holds_each_index_once(void **state)
{
    (void)state;
    enum { SIZE = 1000 };
    uint32_t order[SIZE];
    unsigned char seen[SIZE] = {0};
    rncl_random random = rncl_random_stream(4, RNCL_RANDOM_TEST, 0, 0);
    rncl_random_permutation(&random, order, SIZE);
    for (int i = 0; i < SIZE; i++)
        seen[order[i]]++;
    for (int i = 0; i < SIZE; i++)
        assert_int_equal(seen[i], 1);
}

/* ---- files ---- */

static char folder[] = "/tmp/rncl-base-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command = rncl_text_format("rm -rf %s", folder);
    int failed = system(command);
    free(command);
    return failed;
}

/* Number of files in the folder whose names begin with `prefix`. */
static size_t count_files(const char *prefix)
{
    size_t count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    const struct dirent *entry;
    while ((entry = readdir(directory)))
        count += !strncmp(entry->d_name, prefix, strlen(prefix));
    closedir(directory);
    return count;
}

static void assert_contents(const char *path, const char *expected)
{
    rncl_contents contents;
    assert_int_equal(rncl_file_read(path, &contents), RNCL_OK);
    assert_int_equal(contents.size_bytes, strlen(expected));
    assert_memory_equal(contents.data, expected, contents.size_bytes);
    rncl_contents_free(&contents);
}

static void an_abandoned_file_leaves_the_old_one_and_no_trace(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "kept");
    assert_int_equal(rncl_file_write(path, "old", 3), RNCL_OK);
    rncl_atomic_file file;
    assert_int_equal(rncl_atomic_file_create(path, &file), RNCL_OK);
    fputs("new", file.stream);
    assert_true(rncl_file_exists(file.temporary));
    char *temporary = strdup(file.temporary);
    rncl_atomic_file_abandon(&file);
    assert_false(rncl_file_exists(temporary));
    assert_contents(path, "old");
    free(temporary);
    free(path);
}

static void a_committed_file_replaces_the_old_one(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "replaced");
    assert_int_equal(rncl_file_write(path, "old", 3), RNCL_OK);
    assert_int_equal(rncl_file_write(path, "newer", 5), RNCL_OK);
    assert_contents(path, "newer");
    free(path);
}

static void a_path_can_be_tried_without_a_trace(void **state)
{
    (void)state;
    char place[] = "/tmp/rncl-test-XXXXXX", path[64], inside[128];
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof path, "%s/file", place);
    snprintf(inside, sizeof inside, "%s/file", path);
    assert_int_equal(rncl_file_try(path), RNCL_OK);
    assert_false(rncl_file_exists(path));
    assert_int_equal(rncl_file_write(path, "old", 3), RNCL_OK);
    assert_int_equal(rncl_file_try(path), RNCL_OK);
    assert_contents(path, "old");
    assert_int_equal(rncl_file_try(inside), RNCL_ERR_IO);
    assert_non_null(strstr(rncl_status_message(), "cannot write"));
    assert_int_equal(rncl_file_try(place), RNCL_ERR_IO);
    unlink(path);
    assert_int_equal(rmdir(place), 0); /* nothing else is in it */
}

/* A file size limit simulates a full disk. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "full");
    assert_int_equal(rncl_file_write(path, "old", 3), RNCL_OK);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static const char large[100000];
    rncl_status st = rncl_file_write(path, large, sizeof large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(st, RNCL_ERR_IO);
    assert_non_null(strstr(rncl_status_message(), path));
    assert_non_null(strstr(rncl_status_message(), "File too large"));
    assert_contents(path, "old");
    free(path);
}

static void links_stay_and_what_they_lead_to_is_replaced(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "target"), *link = rncl_path_join(folder, "link");
    struct stat info;
    assert_int_equal(symlink("target", link), 0);
    assert_int_equal(rncl_file_write(link, "x", 1), RNCL_ERR_IO); /* it leads nowhere */
    assert_int_equal(rncl_file_write(path, "old", 3), RNCL_OK);
    assert_int_equal(rncl_file_write(link, "newer", 5), RNCL_OK);
    assert_contents(path, "newer");
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    free(path);
    free(link);
}

static void a_fifo_is_written_and_stays(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "written-fifo"), text[8] = "";
    struct stat info;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rncl_file_write(path, "x", 1), RNCL_ERR_IO); /* nobody reads it */
    const int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(rncl_file_write(path, "text", 4), RNCL_OK);
    assert_int_equal(read(reader, text, sizeof text - 1), 4);
    assert_string_equal(text, "text");
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    close(reader);
    free(path);
}

static void a_missing_file_is_named_in_the_message(void **state)
{
    (void)state;
    rncl_contents contents;
    assert_int_equal(rncl_file_read("/nonexistent/file", &contents), RNCL_ERR_IO);
    assert_non_null(strstr(rncl_status_message(), "/nonexistent/file"));
    assert_int_equal(rncl_file_read(folder, &contents), RNCL_ERR_IO);
}

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

/* A process that is killed while it writes leaves its temporary file. */
static void what_a_killed_writer_left_goes_when_the_file_is_written_again(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "saved"), *left = rncl_path_join(folder, "saved.Ab12Cd");
    char *other = rncl_path_join(folder, "saved2.Ab12Cd");
    pid_t child = fork();
    if (child == 0) {
        rncl_atomic_file file;
        if (rncl_atomic_file_create(path, &file) == RNCL_OK)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    touch(left);
    touch(other);
    assert_int_equal(count_files("saved."), 2);
    assert_int_equal(rncl_file_write(path, "x", 1), RNCL_OK);
    assert_int_equal(count_files("saved."), 0);
    assert_true(rncl_file_exists(other));
    free(path);
    free(left);
    free(other);
}

static void what_a_living_process_writes_and_copies_of_people_stay(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "shared");
    static const char *const copies[] = {"shared.backup", "shared.old", "shared.Ab12Cd.gz", "shared.1"};
    rncl_atomic_file slow;
    assert_int_equal(rncl_atomic_file_create(path, &slow), RNCL_OK);
    fputs("slow", slow.stream);
    for (size_t i = 0; i < COUNT(copies); i++) {
        char *copy = rncl_path_join(folder, copies[i]);
        touch(copy);
        free(copy);
    }
    assert_int_equal(rncl_file_write(path, "fast", 4), RNCL_OK);
    assert_contents(path, "fast");
    assert_int_equal(rncl_atomic_file_commit(&slow), RNCL_OK);
    assert_contents(path, "slow");
    assert_int_equal(count_files("shared."), COUNT(copies));
    free(path);
}

/* Nobody writes to the FIFO, so that waiting would never end. */
static void a_fifo_is_refused_at_once(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    rncl_contents contents;
    alarm(5);
    assert_int_equal(rncl_file_read(path, &contents), RNCL_ERR_IO);
    alarm(0);
    assert_non_null(strstr(rncl_status_message(), "not a regular file"));
    free(path);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    char *deep = rncl_path_join(folder, "a/b/c");
    assert_int_equal(rncl_directory_create(deep), RNCL_OK);
    assert_true(rncl_directory_exists(deep));
    assert_int_equal(rncl_directory_create(deep), RNCL_OK);
    char *file = rncl_path_join(deep, "file");
    assert_int_equal(rncl_file_write(file, "", 0), RNCL_OK);
    assert_int_equal(rncl_directory_create(file), RNCL_ERR_IO);
    free(file);
    free(deep);
}

int main(void)
{
    /* The write beyond the limit should fail, not end the process. */
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_statuses_are_those_of_the_command_line),
        cmocka_unit_test(a_failure_may_quote_the_message_before_it),
        cmocka_unit_test(messages_and_remarks_are_one_line_without_commands),
        cmocka_unit_test(the_nearest_name_is_a_plausible_misspelling_or_none),
        cmocka_unit_test(random_numbers_are_philox),
        cmocka_unit_test(streams_differ_by_purpose_epoch_sample_and_seed),
        cmocka_unit_test(distributions_have_their_moments),
        cmocka_unit_test(beta_numbers_have_the_moments_of_their_distribution),
        cmocka_unit_test(a_permutation_holds_each_index_once),
        cmocka_unit_test(an_abandoned_file_leaves_the_old_one_and_no_trace),
        cmocka_unit_test(a_committed_file_replaces_the_old_one),
        cmocka_unit_test(a_path_can_be_tried_without_a_trace),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(links_stay_and_what_they_lead_to_is_replaced),
        cmocka_unit_test(a_fifo_is_written_and_stays),
        cmocka_unit_test(a_missing_file_is_named_in_the_message),
        cmocka_unit_test(what_a_killed_writer_left_goes_when_the_file_is_written_again),
        cmocka_unit_test(what_a_living_process_writes_and_copies_of_people_stay),
        cmocka_unit_test(a_fifo_is_refused_at_once),
        cmocka_unit_test(folders_are_made_with_their_parents),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
