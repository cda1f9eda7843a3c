/* Trains on images that the program has in memory: train_in_memory RUN
 * The images are stripes, lying or standing; RUN is a new folder for the model and its history. */
#include <rncl/rncl.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 16, TRAINING = 512, VALIDATION = 128, ALL = TRAINING + VALIDATION };

static uint8_t pixels[ALL][SIZE][SIZE];
static int32_t labels[ALL];
static const char *const names[] = {"lying", "standing"};

static void draw(void)
{
    srand(1);
    for (int i = 0; i < ALL; i++) {
        const int width = 2 + rand() % 3, phase = rand() % SIZE;
        labels[i] = i % 2;
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++)
                pixels[i][y][x] = (uint8_t)((((labels[i] ? x : y) + phase) / width % 2) * 150 + rand() % 100);
    }
}

static rncl_image_set images(int first, uint32_t count)
{
    return (rncl_image_set){.count = count,
                            .height = SIZE,
                            .width = SIZE,
                            .channels = 1,
                            .pixels = &pixels[first][0][0],
                            .labels = labels + first,
                            .classes = 2,
                            .names = names};
}

static void show(void *user, const rncl_progress *progress)
{
    (void)user;
    if (progress->evaluated)
        printf("step %3d  loss %.3f  %5.1f %% right\n", (int)progress->step, progress->loss,
               progress->val_top1);
}

int main(int argc, char **argv)
{
    const rncl_image_set training = images(0, TRAINING), validation = images(TRAINING, VALIDATION);
    const rncl_train_listener listener = {.progress = show};
    const char *const options[][2] = {{"arch", "cifar-resnet"}, {"depth", "8"},
                                      {"batch-size", "32"},     {"lr", "0.05"},
                                      {"epochs", "2"},          {"out", argc > 1 ? argv[1] : ""}};
    rncl_session *session = NULL;
    rncl_train_result result;

    draw();
    rncl_status st = rncl_session_create(&session);
    for (size_t i = 0; !st && i < sizeof options / sizeof *options; i++)
        st = rncl_session_set(session, options[i][0], options[i][1]);
    if (!st)
        st = rncl_session_set_images(session, &training, &validation);
    if (!st)
        st = rncl_session_train(session, &listener, &result);
    if (st)
        fprintf(stderr, "train_in_memory: %s\n", rncl_status_message());
    else
        printf("%.1f %% right at best; the model is in %s\n", result.best_top1, result.run);
    rncl_session_destroy(session);
    return rncl_status_exit(st);
}
