/* Where the runs take place. */
#ifndef RNCL_TESTS_FAULTS_PLACE_H
#define RNCL_TESTS_FAULTS_PLACE_H

/* Paths. `work` contains `data`, which all scenarios read, and `run`, the folder of the run. */
typedef struct place {
    const char *rncl, *layer;
    char work[64], run[80];
} place;

/* The training that the data are for; --steps and --out are to follow. */
#define PLACE_SHAPE "--arch cifar-resnet --depth 8 --image 8"
#define PLACE_NETWORK PLACE_SHAPE " --batch-size 8"
#define PLACE_TRAIN                                                                                          \
    "train " PLACE_NETWORK " --data ../data/idx --workers 1 --eval-every 1 --checkpoint-every 2 --keep 2 "   \
    "--on-divergence rollback"

/* Makes the folders, the data and a trained model; ends the program if that fails. */
void place_make(const char *rncl, const char *layer, place *out);
void place_remove(const place *p);

/* Runs a command in `work`; ends the program if it fails. */
void place_shell(const place *p, const char *command);

#endif
