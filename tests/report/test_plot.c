/* Plots of runs are drawn, and their pixels read back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cairo.h>
#include <cmocka.h>

#include "file.h"
#include "plot.h"
#include "plot_runs.h"
#include "run_curves.h"
#include "run_name.h"
#include "util.h"

static char folder[] = "/tmp/rncl-plot-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") || system(command);
}

static const char header[] =
    "epoch,step,images,lr,train_loss,train_top1,val_loss,val_top1,val_top5,images_per_second,seconds\n";

static void write_run(const char *name, const char *rows)
{
    char path[64], text[1024];
    assert_int_equal(rncl_directory_create(name), RNCL_OK);
    snprintf(path, sizeof path, "%s/metrics.csv", name);
    snprintf(text, sizeof text, "%s%s", header, rows);
    assert_int_equal(rncl_file_write(path, text, strlen(text)), RNCL_OK);
}

/* Pixels of a PNG that are nearly of this colour. */
static int count_pixels(const char *path, int red, int green, int blue)
{
    cairo_surface_t *picture = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    int count = 0, width = cairo_image_surface_get_width(picture),
        stride = cairo_image_surface_get_stride(picture);
    const unsigned char *rows = cairo_image_surface_get_data(picture);
    for (int y = 0; y < cairo_image_surface_get_height(picture); y++)
        for (int x = 0; x < width; x++) {
            const unsigned char *pixel =
                rows + y * stride + 4 * x; /* blue, green, red on little-endian machines */
            count += abs(pixel[0] - blue) < 3 && abs(pixel[1] - green) < 3 && abs(pixel[2] - red) < 3;
        }
    cairo_surface_destroy(picture);
    return count;
}

enum {
    FIRST_RED = 0,
    FIRST_GREEN = 115,
    FIRST_BLUE = 178,
    SECOND_RED = 214,
    SECOND_GREEN = 94,
    SECOND_BLUE = 0
};

static void two_runs_are_two_colours(void **state)
{
    (void)state;
    write_run("one", "1,100,1,0.1,2.0,30,1.9,35,80,9,1\n2,200,2,0.1,1.0,60,1.1,58,90,9,2\n");
    write_run("two", "1,100,1,0.1,2.0,20,1.9,25,80,9,1\n2,200,2,0.1,1.0,40,1.1,38,90,9,2\n");
    const char *const runs[] = {"one", "two"};
    assert_int_equal(rncl_plot_runs("both.png", runs, 2, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS), RNCL_OK);
    assert_true(count_pixels("both.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE) > 500);
    assert_true(count_pixels("both.png", SECOND_RED, SECOND_GREEN, SECOND_BLUE) > 500);
}

static void one_run_has_a_colour_for_training_and_one_for_validation(void **state)
{
    (void)state;
    write_run("single", "1,100,1,0.1,2.0,30,1.9,35,80,9,1\n2,200,2,0.1,1.0,60,1.1,58,90,9,2\n");
    const char *const runs[] = {"single"};
    for (int axis = RNCL_PLOT_STEPS; axis <= RNCL_PLOT_TIME; axis++) {
        assert_int_equal(rncl_plot_runs("single.png", runs, 1, RNCL_PLOT_LOSS, (rncl_plot_axis)axis),
                         RNCL_OK);
        assert_true(count_pixels("single.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE) > 500);
        assert_true(count_pixels("single.png", SECOND_RED, SECOND_GREEN, SECOND_BLUE) > 100);
    }
}

static void a_single_evaluation_is_a_dot(void **state)
{
    (void)state;
    const char *const runs[] = {"once"};
    write_run("none", "1,100,1,0.1,2.0,30,nan,35,80,9,1\n");
    write_run("once", "1,100,1,0.1,2.0,30,1.9,35,80,9,1\n");
    const char *const none[] = {"none"};
    assert_int_equal(rncl_plot_runs("once.png", runs, 1, RNCL_PLOT_LOSS, RNCL_PLOT_STEPS), RNCL_OK);
    assert_int_equal(rncl_plot_runs("none.png", none, 1, RNCL_PLOT_LOSS, RNCL_PLOT_STEPS), RNCL_OK);
    assert_true(count_pixels("once.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE) >
                count_pixels("none.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE));
}

/* Rows of the picture in which the first colour is seen. */
static int rows_of_first_colour(const char *path)
{
    cairo_surface_t *picture = cairo_image_surface_create_from_png(path);
    const int stride = cairo_image_surface_get_stride(picture);
    const unsigned char *rows = cairo_image_surface_get_data(picture);
    int count = 0;
    for (int y = 0; y < cairo_image_surface_get_height(picture); y++)
        for (int x = 0; x < cairo_image_surface_get_width(picture); x++) {
            const unsigned char *pixel = rows + y * stride + 4 * x;
            if (abs(pixel[0] - FIRST_BLUE) < 3 && abs(pixel[1] - FIRST_GREEN) < 3 &&
                abs(pixel[2] - FIRST_RED) < 3) {
                count++;
                break;
            }
        }
    cairo_surface_destroy(picture);
    return count;
}

/* The validation loss halves from 0.1: by a twentieth of a linear axis, by a tenth of three decades. */
static void losses_that_span_decades_have_a_logarithmic_axis(void **state)
{
    (void)state;
    const char *const narrow[] = {"narrow"}, *const wide[] = {"wide"};
    write_run("narrow", "1,100,1,0.1,1,30,0.1,35,80,9,1\n2,200,2,0.1,0.06,60,0.05,58,90,9,2\n");
    write_run("wide", "1,100,1,0.1,1,30,0.1,35,80,9,1\n2,200,2,0.1,0.005,60,0.05,58,90,9,2\n");
    assert_int_equal(rncl_plot_runs("narrow.png", narrow, 1, RNCL_PLOT_LOSS, RNCL_PLOT_STEPS), RNCL_OK);
    assert_int_equal(rncl_plot_runs("wide.png", wide, 1, RNCL_PLOT_LOSS, RNCL_PLOT_STEPS), RNCL_OK);
    assert_true(rows_of_first_colour("wide.png") > 3 * rows_of_first_colour("narrow.png") / 2);
    assert_int_equal(rncl_plot_runs("wide.png", wide, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS), RNCL_OK);
}

/* Steps lie between the evaluations; the rate falls once at once, and later little by little. The last line
 * is still being written. */
static void steps_are_placed_smoothed_and_searched_for_drops(void **state)
{
    (void)state;
    static const char steps[] = "step,loss,lr\n50,4,0.1\n100,2,0.1\n150,2,0.01\n200,2,0.004\n25";
    rncl_run_curves run;
    write_run("stepped", "1,100,1,0.1,2.0,30,1.9,35,80,9,60\n3,200,2,0.1,1.0,60,1.1,58,90,9,120\n");
    assert_int_equal(rncl_file_write("stepped/steps.csv", steps, strlen(steps)), RNCL_OK);
    assert_int_equal(rncl_run_curves_read("stepped", RNCL_PLOT_EPOCHS, &run), RNCL_OK);
    assert_int_equal(run.steps.rows, 4);
    const double expected[] = {0.5, 1, 2, 3};
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_true(fabs(run.steps.values[0][i] - expected[i]) < 1e-12);
    assert_int_equal(run.drop_count, 1);
    assert_true(fabs(run.drops[0] - 2) < 1e-12);
    assert_true(run.steps.values[1][0] == 4 && run.steps.values[1][1] > 2 && run.steps.values[1][1] < 4);
    assert_int_equal(rncl_run_curves_best(&run, RNCL_RUN_VAL_ERROR), 1);
    rncl_run_curves_fini(&run);
}

static void every_format_is_what_its_suffix_says(void **state)
{
    (void)state;
    static const struct {
        const char *path, *begin;
    } files[] = {{"run.png", "\x89PNG"}, {"run.svg", "<?xml"}, {"run.pdf", "%PDF"}};
    write_run("run", "1,100,1,0.1,2.0,30,1.9,35,80,9,1\n2,200,2,0.1,1.0,60,1.1,58,90,9,2\n");
    const char *const runs[] = {"run"};
    for (size_t i = 0; i < COUNT(files); i++) {
        rncl_contents file;
        assert_int_equal(rncl_plot_runs(files[i].path, runs, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS), RNCL_OK);
        assert_int_equal(rncl_file_read(files[i].path, &file), RNCL_OK);
        assert_memory_equal(file.data, files[i].begin, strlen(files[i].begin));
        rncl_contents_free(&file);
    }
    assert_int_equal(rncl_plot_runs("run.gif", runs, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS), RNCL_ERR_USAGE);
    assert_false(rncl_file_exists("run.gif"));
}

static void an_evaluation_without_training_has_no_point_of_it(void **state)
{
    (void)state;
    write_run("evaluated", "0,0,0,0.1,,,2.3,10,50,,0\n1,100,1,0.1,2.0,30,1.9,35,80,9,1\n");
    assert_int_equal(rncl_plot_curves("curves.png", "evaluated"), RNCL_OK);
    assert_true(count_pixels("curves.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE) > 500);
}

/* A run has curves from its first step on: of its loss, against steps. */
static void steps_are_drawn_before_the_first_evaluation(void **state)
{
    (void)state;
    static const char steps[] = "step,loss,lr\n1,4,0.1\n2,3,0.1\n3,2,0.1\n";
    const char *const runs[] = {"early"};
    write_run("early", "");
    assert_int_equal(rncl_plot_curves("early.png", "early"), RNCL_ERR_DATA);
    assert_int_equal(rncl_file_write("early/steps.csv", steps, strlen(steps)), RNCL_OK);
    assert_int_equal(rncl_plot_curves("early.png", "early"), RNCL_OK);
    assert_true(rncl_file_exists("early.png"));
    assert_int_equal(rncl_plot_runs("early.png", runs, 1, RNCL_PLOT_LOSS, RNCL_PLOT_STEPS), RNCL_OK);
    assert_int_equal(rncl_plot_runs("early.png", runs, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS), RNCL_ERR_DATA);
    assert_int_equal(rncl_plot_runs("early.png", runs, 1, RNCL_PLOT_LOSS, RNCL_PLOT_EPOCHS), RNCL_ERR_DATA);
}

static void a_run_is_called_by_its_network_and_data(void **state)
{
    (void)state;
    static const struct {
        const char *config, *name;
    } cases[] = {{"arch = cifar-resnet\ndepth = 20\ndata = /home/me/cifar\n", "cifar-resnet-20 on cifar"},
                 {"arch = resnet\ndepth = 18\ndata = builtin:shapes\n", "resnet-18 on shapes"},
                 {"arch = resnet\ndepth = 18\ndata = /a/long/pa\\\n    th/my pho\\\n    tos\n",
                  "resnet-18 on my photos"},
                 {"arch = resnet\ndepth = 18\n", "resnet-18"},
                 {"no options\n", "named"}};
    assert_int_equal(rncl_directory_create("some/named"), RNCL_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(rncl_file_write("some/named/config.ini", cases[i].config, strlen(cases[i].config)),
                         RNCL_OK);
        char *name;
        assert_int_equal(rncl_run_name("some/named", &name), RNCL_OK);
        assert_string_equal(name, cases[i].name);
        free(name);
    }
}

static void damaged_metrics_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "1,100,1,0.1,2.0\n", "1,100,1,0.1,none,30,1.9,35,80,9,1\n"};
    const char *const runs[] = {"damaged"}, *const missing[] = {"missing"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_run("damaged", rows[i]);
        assert_int_equal(rncl_plot_runs("damaged.png", runs, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS),
                         RNCL_ERR_DATA);
    }
    assert_int_equal(rncl_file_write("damaged/metrics.csv", "a,b\n1,2\n", 8), RNCL_OK);
    assert_int_equal(rncl_plot_runs("damaged.png", runs, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS), RNCL_ERR_DATA);
    assert_int_equal(rncl_plot_runs("damaged.png", missing, 1, RNCL_PLOT_ERROR, RNCL_PLOT_STEPS),
                     RNCL_ERR_DATA);
    assert_false(rncl_file_exists("damaged.png"));
}

static void a_confusion_matrix_is_darkest_where_most_answers_are(void **state)
{
    (void)state;
    const uint64_t counts[] = {10, 0, 0, 10};
    assert_int_equal(rncl_plot_confusion("confusion.png", counts, 2, NULL), RNCL_OK);
    /* Two cells hold all of their row and have the darkest colour. */
    assert_true(count_pixels("confusion.png", 0, 97, 173) > 10000);
}

/* Cut between characters: cairo draws nothing at all with half a one. */
static void long_names_are_cut_and_drawn(void **state)
{
    (void)state;
    const uint64_t counts[] = {10, 0, 0, 10};
    const char *const labels[] = {
        "aüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü",
        "ein Name, der für seine Zeile viel zu lang ist und über sie hinausgeht, überall"};
    assert_int_equal(rncl_plot_confusion("names.png", counts, 2, labels), RNCL_OK);
    char name[700] = "";
    for (size_t i = 0; i + 3 < sizeof name; i += 2)
        memcpy(name + i, "ü", 3);
    const double values[] = {1, 2};
    const rncl_plot_series series = {.x = values, .y = values, .count = 2};
    const rncl_plot_panel panel = {
        .x_label = "x", .y_label = "y", .series = &series, .series_count = 1, .title = name};
    assert_int_equal(rncl_plot_write("title.png", &panel, 1), RNCL_OK);
}

static void a_class_without_pictures_is_grey_and_not_white(void **state)
{
    (void)state;
    const uint64_t counts[] = {10, 0, 0, 0}, all[] = {10, 0, 0, 1};
    assert_int_equal(rncl_plot_confusion("missing.png", counts, 2, NULL), RNCL_OK);
    assert_int_equal(rncl_plot_confusion("all.png", all, 2, NULL), RNCL_OK);
    assert_true(count_pixels("missing.png", 219, 219, 219) > 100000);
    assert_true(count_pixels("all.png", 219, 219, 219) < 10000);
}

static void a_roofline_has_a_dot_for_each_point(void **state)
{
    (void)state;
    static const char *const kinds[] = {"one", "two"};
    /* The second is above the roof and must be in the frame nevertheless. */
    const rncl_roofline_point points[] = {{.intensity = 0.5, .gflops = 8, .kind = 1},
                                          {.intensity = 50, .gflops = 990, .kind = 1}};
    rncl_roofline roofline = {.title = "device",
                              .peak_gflops = 900,
                              .bandwidth_gbs = 20,
                              .points = points,
                              .kinds = kinds,
                              .kind_count = 2};
    assert_int_equal(rncl_plot_roofline("none.png", &roofline), RNCL_OK);
    const int legend = count_pixels("none.png", SECOND_RED, SECOND_GREEN, SECOND_BLUE);
    assert_true(legend > 100);
    roofline.count = COUNT(points);
    assert_int_equal(rncl_plot_roofline("two.png", &roofline), RNCL_OK);
    const int dots = count_pixels("two.png", SECOND_RED, SECOND_GREEN, SECOND_BLUE) - legend;
    assert_true(dots > legend * 3 / 2 && dots < legend * 5 / 2);
    assert_int_equal(count_pixels("two.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE),
                     count_pixels("none.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE));
}

/* It is in the frame, though it lies below all points. */
static void a_roofline_has_a_lower_roof_where_there_are_two_ways(void **state)
{
    (void)state;
    const rncl_roofline_point point = {.intensity = 50, .gflops = 500};
    static const char *const kind = "one";
    rncl_roofline roofline = {.title = "device",
                              .peak_gflops = 900,
                              .bandwidth_gbs = 20,
                              .points = &point,
                              .count = 1,
                              .kinds = &kind,
                              .kind_count = 1};
    assert_int_equal(rncl_plot_roofline("one.png", &roofline), RNCL_OK);
    roofline.lower_gflops = 400;
    assert_int_equal(rncl_plot_roofline("lower.png", &roofline), RNCL_OK);
    assert_true(count_pixels("lower.png", 26, 26, 26) > count_pixels("one.png", 26, 26, 26) + 200);
}

/* Of four weights two are the least and two the greatest, whatever their scale. */
static void filters_reach_from_black_to_white(void **state)
{
    (void)state;
    const float weights[] = {-1e-3f, 1e-3f, 1e-3f, -1e-3f, 5, 5, 5, 5};
    const rncl_filter_grid grid = {
        .title = "one", .weights = weights, .count = 1, .channels = 1, .rows = 2, .columns = 2};
    rncl_filter_grid flat = grid;
    flat.weights = weights + 4;
    assert_int_equal(rncl_plot_filters("filter.png", &grid), RNCL_OK);
    assert_int_equal(rncl_plot_filters("flat.png", &flat), RNCL_OK);
    const int black = count_pixels("filter.png", 0, 0, 0);
    assert_true(black > 3000 && black < 4000); /* half of 84 x 84 pixels */
    assert_true(count_pixels("flat.png", 0, 0, 0) < 100);
    assert_true(count_pixels("flat.png", 128, 128, 128) > 6000);
}

/* The second bar is twice as long; a value that is not there has no bar. */
static void bars_are_as_long_as_their_values(void **state)
{
    (void)state;
    static const char *const kinds[] = {"one", "two"};
    const rncl_bar bars[] = {{.label = "a", .text = "1", .value = 1, .before = NAN, .kind = 0},
                             {.label = "b", .text = "2", .value = 2, .before = 1.5, .kind = 1},
                             {.label = "c", .text = "none", .value = NAN, .before = NAN, .kind = 0}};
    const rncl_bar_chart chart = {.title = "bars", .x_label = "ms", .bars = bars, .count = COUNT(bars)};
    assert_int_equal(rncl_plot_bars("bars.png", &chart), RNCL_OK);
    const int first = count_pixels("bars.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE),
              second = count_pixels("bars.png", SECOND_RED, SECOND_GREEN, SECOND_BLUE);
    assert_true(first > 8000 && second > 1.8 * first && second < 2.2 * first);
    rncl_bar_chart named = chart;
    named.kinds = kinds;
    named.kind_count = COUNT(kinds);
    named.before_label = "before";
    assert_int_equal(rncl_plot_bars("named.png", &named), RNCL_OK);
    assert_true(count_pixels("named.png", FIRST_RED, FIRST_GREEN, FIRST_BLUE) > first + 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_are_two_colours),
        cmocka_unit_test(one_run_has_a_colour_for_training_and_one_for_validation),
        cmocka_unit_test(a_single_evaluation_is_a_dot),
        cmocka_unit_test(losses_that_span_decades_have_a_logarithmic_axis),
        cmocka_unit_test(steps_are_placed_smoothed_and_searched_for_drops),
        cmocka_unit_test(every_format_is_what_its_suffix_says),
        cmocka_unit_test(an_evaluation_without_training_has_no_point_of_it),
        cmocka_unit_test(steps_are_drawn_before_the_first_evaluation),
        cmocka_unit_test(a_run_is_called_by_its_network_and_data),
        cmocka_unit_test(damaged_metrics_are_refused),
        cmocka_unit_test(a_confusion_matrix_is_darkest_where_most_answers_are),
        cmocka_unit_test(long_names_are_cut_and_drawn),
        cmocka_unit_test(a_class_without_pictures_is_grey_and_not_white),
        cmocka_unit_test(filters_reach_from_black_to_white),
        cmocka_unit_test(bars_are_as_long_as_their_values),
        cmocka_unit_test(a_roofline_has_a_dot_for_each_point),
        cmocka_unit_test(a_roofline_has_a_lower_roof_where_there_are_two_ways),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
