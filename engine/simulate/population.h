/* Who is called and who calls in a simulation, in figures: shares, durations, weights by hour and
 * weekday, shifts. Read from YAML (population.yaml beside this file has every key with its
 * default and is what applies where a file says nothing). Immutable once read. */
#ifndef PEAL_SIMULATE_POPULATION_H
#define PEAL_SIMULATE_POPULATION_H

#include "base/slice.h"
#include "campaign/window.h"

#define POPULATION_FILE_MAX   65536
#define POPULATION_ERROR_MAX  512
#define POPULATION_SHIFTS_MAX 16

struct population {
    struct {
        double vacant, fax, machine; /* shares, 0…1, as all that are called shares here */
        double readiness;            /* CV */
    } numbers;
    struct {
        uint32_t lasts_ms;
        double busy, unreachable;
    } state;
    struct {
        double share;
        double hours[24], weekdays[7]; /* weights; weekday 0: Monday */
    } answer;
    struct {
        uint32_t delay_ms, ring_ms;
        double delay_cv, ring_cv, rejected, congestion;
    } call;
    struct {
        uint32_t after_ms, greeting_ms;
        double after_cv, at_once, greeting_cv, beep;
    } machines;
    struct {
        uint32_t human_ms, machine_ms;
        double human_cv, machine_cv, human_as_machine, machine_as_human, unsure;
    } verdict;
    struct {
        uint32_t length_ms, patience_ms, machine_ms;
        double cv;
    } talk;
    struct {
        uint32_t length_ms;
        double cv;
    } wrap_up;
    struct {
        char zone[ZONE_NAME_MAX]; /* "": the campaign's */
        struct windows shifts[POPULATION_SHIFTS_MAX];
        uint32_t shift_count;
        uint32_t break_every_ms, break_length_ms;
    } agents;
};

/* Without a path (NULL) the default. error (POPULATION_ERROR_MAX bytes): "FILE:LINE: what is wrong;
 * what is accepted". */
enum err population_load(struct population *out, const char *path, char *error);
/* From memory; path is for messages. */
enum err population_parse(struct population *out, const char *path, struct slice text, char *error);
/* The default as YAML. */
struct slice population_default(void);

#endif
