/* Devices, programs and launches on whatever device RNCL_TEST_DEVICE chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"
#include "device.h"
#include "file.h"
#include "launch.h"
#include "profile.h"
#include "program.h"
#include "rncl/kernel_abi.h"
#include "util.h"

static char folder[] = "/tmp/rncl-device-XXXXXX";
static rncl_device_list *list;
static const rncl_device *chosen;

static int open_devices(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1))
        return -1;
    return rncl_device_list_create(NULL, &list) ||
                   rncl_device_choose(list, getenv("RNCL_TEST_DEVICE"), &chosen)
               ? -1
               : 0;
}

static int close_devices(void **state)
{
    (void)state;
    rncl_device_list_destroy(list);
    char *command = rncl_text_format("rm -rf %s", folder);
    int failed = system(command);
    free(command);
    return failed;
}

static rncl_context *new_context(void)
{
    rncl_context *context;
    assert_int_equal(rncl_context_create(chosen, NULL, &context), RNCL_OK);
    return context;
}

static void devices_are_numbered_from_one_in_the_listed_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < list->count; i++) {
        const rncl_device_info *info = &list->devices[i].info;
        assert_int_equal(info->number, (int)i + 1);
        assert_true(info->name[0] && info->compute_units > 0 && info->max_allocation > 0);
        assert_true(i == 0 || list->devices[i - 1].info.emulator <= info->emulator);
    }
}

static void a_device_is_chosen_by_number_name_or_platform(void **state)
{
    (void)state;
    const rncl_device *device;
    assert_int_equal(rncl_device_choose(list, "1", &device), RNCL_OK);
    assert_ptr_equal(device, &list->devices[0]);
    assert_int_equal(rncl_device_choose(list, "auto", &device), RNCL_OK);
    assert_ptr_equal(device, &list->devices[0]);
    if (list->count == 1) {
        assert_int_equal(rncl_device_choose(list, list->devices[0].info.platform, &device), RNCL_OK);
        assert_ptr_equal(device, &list->devices[0]);
    }
}

static void a_device_that_is_not_there_is_refused_in_one_line(void **state)
{
    (void)state;
    const rncl_device *device;
    const char *const wrong[] = {"0", "-1", "99", "99999999999999999999", "no such device"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(rncl_device_choose(list, wrong[i], &device), RNCL_ERR_DEVICE);
        assert_null(device);
        assert_null(strchr(rncl_status_message(), '\n'));
    }
    const rncl_device_list empty = {0};
    assert_int_equal(rncl_device_choose(&empty, NULL, &device), RNCL_ERR_DEVICE);
}

static void an_ambiguous_name_lists_its_matches(void **state)
{
    (void)state;
    rncl_device twins[2] = {*chosen, *chosen};
    twins[0].info.number = 1;
    twins[1].info.number = 2;
    const rncl_device_list two = {.devices = twins, .count = 2};
    const rncl_device *device;
    assert_int_equal(rncl_device_choose(&two, chosen->info.platform, &device), RNCL_ERR_DEVICE);
    assert_non_null(strstr(rncl_status_message(), "1 "));
    assert_non_null(strstr(rncl_status_message(), ", 2 "));
}

static void run_bias_kernel(rncl_context *context)
{
    /* linear_bias adds bias [2] to y [3][2]. */
    const rncl_linear_shape shape = {3, 1, 2};
    const float bias[] = {1.5f, -2.0f};
    float y[6] = {0};
    cl_mem bias_buffer, y_buffer;
    rncl_kernel kernel;
    assert_int_equal(rncl_kernel_create(context, "linear", "", "linear_bias", &kernel), RNCL_OK);
    assert_int_equal(rncl_buffer_create(context, sizeof bias, &bias_buffer), RNCL_OK);
    assert_int_equal(rncl_buffer_create(context, sizeof y, &y_buffer), RNCL_OK);
    assert_int_equal(rncl_buffer_write(context, bias_buffer, 0, sizeof bias, bias), RNCL_OK);
    assert_int_equal(rncl_buffer_write(context, y_buffer, 0, sizeof y, y), RNCL_OK);
    rncl_range range = {.global = {8}, .local = {8, 1, 1}};
    assert_int_equal(rncl_launch(context, &kernel, range, RNCL_STRUCT(shape), RNCL_BUFFER(bias_buffer),
                                 RNCL_BUFFER(y_buffer)),
                     RNCL_OK);
    assert_int_equal(rncl_buffer_read(context, y_buffer, 0, sizeof y, y), RNCL_OK);
    for (size_t i = 0; i < COUNT(y); i++)
        assert_true(y[i] == bias[i % 2]);
    rncl_kernel_fini(&kernel);
    rncl_buffer_release(bias_buffer);
    rncl_buffer_release(y_buffer);
}

static void a_program_is_compiled_once_and_then_comes_from_the_disk(void **state)
{
    (void)state;
    rncl_context *first = new_context();
    run_bias_kernel(first);
    assert_int_equal(rncl_program_cache_statistics(first).compiled, 1);
    run_bias_kernel(first);
    assert_int_equal(rncl_program_cache_statistics(first).compiled, 1);
    rncl_context_destroy(first);
    rncl_context *second = new_context();
    run_bias_kernel(second);
    assert_int_equal(rncl_program_cache_statistics(second).compiled, 0);
    assert_int_equal(rncl_program_cache_statistics(second).from_disk, 1);
    rncl_context_destroy(second);
}

/* Calls `damage` on each file of the cache. */
static void damage_cache(void (*damage)(const char *path))
{
    char *path = rncl_path_join(folder, "rncl");
    DIR *directory = opendir(path);
    assert_non_null(directory);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        char *file = rncl_path_join(path, entry->d_name);
        damage(file);
        free(file);
        files++;
    }
    assert_true(files > 0);
    closedir(directory);
    free(path);
}

static void cut_in_half(const char *path)
{
    rncl_contents contents;
    assert_int_equal(rncl_file_read(path, &contents), RNCL_OK);
    size_t size = contents.size_bytes;
    rncl_contents_free(&contents);
    assert_int_equal(truncate(path, (off_t)(size / 2)), 0);
}

static void flip_last_byte(const char *path)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, -1, SEEK_END);
    int byte = fgetc(file);
    fseek(file, -1, SEEK_END);
    fputc(byte ^ 255, file);
    fclose(file);
}

static void make_empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void a_damaged_binary_is_built_anew(void **state)
{
    (void)state;
    void (*const damages[])(const char *) = {cut_in_half, flip_last_byte, make_empty};
    for (size_t i = 0; i < COUNT(damages); i++) {
        rncl_context *warm = new_context();
        run_bias_kernel(warm);
        rncl_context_destroy(warm);
        damage_cache(damages[i]);
        rncl_context *context = new_context();
        run_bias_kernel(context);
        assert_int_equal(rncl_program_cache_statistics(context).compiled, 1);
        rncl_context_destroy(context);
    }
}

static void a_cache_that_cannot_be_written_costs_nothing_but_time(void **state)
{
    (void)state;
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    rncl_context *context = new_context();
    run_bias_kernel(context);
    rncl_context_destroy(context);
    setenv("XDG_CACHE_HOME", folder, 1);
}

static void processes_that_fill_the_cache_together_all_succeed(void **state)
{
    (void)state;
    enum { PROCESSES = 4 };
    damage_cache(make_empty);
    /* A driver must not be used after fork: each process executes this program again. */
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            execl("/proc/self/exe", "test_device", "fill-cache", (char *)NULL);
            _exit(127);
        }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        wait(&status);
        assert_int_equal(status, 0);
    }
    rncl_context *context = new_context();
    run_bias_kernel(context);
    assert_int_equal(rncl_program_cache_statistics(context).from_disk, 1);
    rncl_context_destroy(context);
}

static void a_kernel_folder_replaces_the_sources_in_the_library(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "linear.cl");
    const char *source = "__kernel void linear_bias(int unused) {}\n";
    assert_int_equal(rncl_file_write(path, source, strlen(source)), RNCL_OK);
    setenv("RNCL_KERNELS", folder, 1);
    rncl_context *context = new_context();
    rncl_kernel kernel;
    assert_int_equal(rncl_kernel_create(context, "linear", "", "linear_bias", &kernel), RNCL_OK);
    assert_int_equal(kernel.arg_count, 1);
    rncl_kernel_fini(&kernel);
    rncl_context_destroy(context);
    unsetenv("RNCL_KERNELS");
    free(path);
}

/* kernel_abi.h is always the library's. */
static void kernel_files_in_folders_include_by_path(void **state)
{
    (void)state;
    char *inner = rncl_path_join(folder, "inner"), *kernel_path = rncl_path_join(folder, "inner/kernel.cl");
    char *part_path = rncl_path_join(folder, "inner/part.clh");
    const char *source = "#include \"kernel_abi.h\"\n#include \"inner/part.clh\"\n"
                         "__kernel void inner(const rncl_linear_shape shape, PART)\n{\n}\n";
    const char *part = "#define PART int a, int b\n";
    assert_int_equal(rncl_directory_create(inner), RNCL_OK);
    assert_int_equal(rncl_file_write(kernel_path, source, strlen(source)), RNCL_OK);
    assert_int_equal(rncl_file_write(part_path, part, strlen(part)), RNCL_OK);
    setenv("RNCL_KERNELS", folder, 1);
    rncl_context *context = new_context();
    rncl_kernel kernel;
    assert_int_equal(rncl_kernel_create(context, "inner/kernel", "", "inner", &kernel), RNCL_OK);
    assert_int_equal(kernel.arg_count, 3);
    rncl_kernel_fini(&kernel);
    rncl_context_destroy(context);
    unsetenv("RNCL_KERNELS");
    free(part_path);
    free(kernel_path);
    free(inner);
}

static int log_lines;

static void count_line(void *user, rncl_log_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
    log_lines++;
}

static void a_build_error_names_the_kernel_and_shows_the_log(void **state)
{
    (void)state;
    char *path = rncl_path_join(folder, "broken.cl");
    const char *source = "__kernel void broken(void) { this is no C; }\n";
    assert_int_equal(rncl_file_write(path, source, strlen(source)), RNCL_OK);
    setenv("RNCL_KERNELS", folder, 1);
    const rncl_log log = {count_line, NULL};
    rncl_context *context;
    assert_int_equal(rncl_context_create(chosen, &log, &context), RNCL_OK);
    rncl_kernel kernel;
    log_lines = 0;
    assert_int_equal(rncl_kernel_create(context, "broken", "", "broken", &kernel), RNCL_ERR_BUILD);
    assert_non_null(strstr(rncl_status_message(), "broken.cl"));
    assert_true(log_lines > 0);
    assert_int_equal(rncl_kernel_create(context, "missing", "", "missing", &kernel), RNCL_ERR_IO);
    rncl_context_destroy(context);
    unsetenv("RNCL_KERNELS");
    free(path);
}

static void a_launch_with_the_wrong_arguments_is_refused(void **state)
{
    (void)state;
    rncl_context *context = new_context();
    rncl_kernel kernel;
    assert_int_equal(rncl_kernel_create(context, "linear", "", "linear_bias", &kernel), RNCL_OK);
    const rncl_linear_shape shape = {1, 1, 1};
    rncl_range range = {.global = {1}, .local = {1, 1, 1}};
    assert_int_not_equal(rncl_launch(context, &kernel, range, RNCL_STRUCT(shape)), RNCL_OK);
    assert_int_not_equal(rncl_launch(context, &kernel, range, RNCL_STRUCT(shape), RNCL_INT(1), RNCL_INT(2)),
                         RNCL_OK);
    rncl_kernel_fini(&kernel);
    rncl_context_destroy(context);
}

static void a_profile_counts_launches_under_their_label(void **state)
{
    (void)state;
    rncl_context *context = new_context();
    assert_int_equal(rncl_profile_start(context), RNCL_OK);
    context->profile->label = "first";
    run_bias_kernel(context);
    run_bias_kernel(context);
    context->profile->label = "second";
    run_bias_kernel(context);
    assert_int_equal(rncl_profile_collect(context), RNCL_OK);
    assert_int_equal(context->profile->row_count, 2);
    assert_string_equal(context->profile->rows[0].label, "first");
    assert_string_equal(context->profile->rows[0].kernel, "linear_bias");
    assert_int_equal(context->profile->rows[0].launches, 2);
    assert_int_equal(context->profile->rows[1].launches, 1);
    rncl_context_destroy(context);
}

/* What the processes of processes_that_fill_the_cache_together_all_succeed run. */
static int fill_cache(void)
{
    rncl_context *context;
    rncl_kernel kernel;
    if (rncl_device_list_create(NULL, &list) ||
        rncl_device_choose(list, getenv("RNCL_TEST_DEVICE"), &chosen) ||
        rncl_context_create(chosen, NULL, &context) ||
        rncl_kernel_create(context, "linear", "", "linear_bias", &kernel))
        return 1;
    rncl_kernel_fini(&kernel);
    rncl_context_destroy(context);
    rncl_device_list_destroy(list);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "fill-cache"))
        return fill_cache();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_numbered_from_one_in_the_listed_order),
        cmocka_unit_test(a_device_is_chosen_by_number_name_or_platform),
        cmocka_unit_test(a_device_that_is_not_there_is_refused_in_one_line),
        cmocka_unit_test(an_ambiguous_name_lists_its_matches),
        cmocka_unit_test(a_program_is_compiled_once_and_then_comes_from_the_disk),
        cmocka_unit_test(a_damaged_binary_is_built_anew),
        cmocka_unit_test(a_cache_that_cannot_be_written_costs_nothing_but_time),
        cmocka_unit_test(processes_that_fill_the_cache_together_all_succeed),
        cmocka_unit_test(a_kernel_folder_replaces_the_sources_in_the_library),
        cmocka_unit_test(kernel_files_in_folders_include_by_path),
        cmocka_unit_test(a_build_error_names_the_kernel_and_shows_the_log),
        cmocka_unit_test(a_launch_with_the_wrong_arguments_is_refused),
        cmocka_unit_test(a_profile_counts_launches_under_their_label),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
