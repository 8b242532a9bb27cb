/* Workloads of the pacing benchmark: "key = value" lines under bench/pacing/. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/pacing_sim.h"

#ifndef PEAL_BENCH_PACING
#define PEAL_BENCH_PACING "bench/pacing"
#endif

#define KEY(name)                                                                                  \
    {                                                                                              \
#name, offsetof(struct sim_load, name)                                                     \
    }

static const struct {
    const char *name;
    size_t at;
} keys[] = {
    KEY(p),
    KEY(machines),
    KEY(failures),
    KEY(talk_mean),
    KEY(talk_cv),
    KEY(wrap_mean),
    KEY(wrap_cv),
    KEY(analysis_s),
    KEY(false_machines),
    KEY(machines_passed),
    KEY(limit_s),
    KEY(day_swing),
    KEY(noise_sd),
    KEY(noise_tau_s),
    KEY(jump),
    KEY(jump_every_s),
    KEY(stagger_s),
    KEY(shift_s),
    KEY(break_share),
    KEY(break_s),
    KEY(score_low),
    KEY(score_high),
    KEY(day_s),
    KEY(ring_limit_s),
    KEY(delay_s),
    KEY(ring_mean),
    KEY(ring_cv),
};

static bool set(struct sim_load *l, const char *key, double value)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].name, key) == 0) {
            memcpy((char *)l + keys[i].at, &value, sizeof(value));
            return true;
        }
    if (strcmp(key, "agents") == 0)
        l->agents = (uint32_t)value;
    else if (strcmp(key, "leads") == 0)
        l->leads = (uint32_t)value;
    else if (strcmp(key, "scores_told") == 0)
        l->scores_told = value > 0;
    else
        return false;
    return true;
}

/* From the source folder, or from where a build folder in it would be. */
static FILE *open_conf(const char *name)
{
    static const char *const places[] = {"bench/pacing", "../bench/pacing", "../../bench/pacing",
                                         PEAL_BENCH_PACING};
    char path[512];
    FILE *f = NULL;

    for (size_t i = 0; !f && i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s.conf", places[i], name);
        f = fopen(path, "r");
    }
    return f;
}

static bool read_conf(struct sim_load *l, const char *name, char *error)
{
    FILE *f = open_conf(name);
    char line[256], key[64];
    double value;
    int number = 0, end;

    if (!f) {
        snprintf(error, 256,
                 "there is no workload %s (bench/pacing/%s.conf): run from the source "
                 "folder",
                 name, name);
        return false;
    }
    while (fgets(line, sizeof(line), f)) {
        number++;
        line[strcspn(line, "#\n")] = '\0';
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        end = 0;
        if (sscanf(line, " %63[a-z_] = %lf %n", key, &value, &end) != 2 || line[end] ||
            !set(l, key, value)) {
            snprintf(error, 256, "bench/pacing/%s.conf:%d: not \"key = number\" with a known key",
                     name, number);
            fclose(f);
            return false;
        }
    }
    fclose(f);
    return true;
}

bool sim_load_read(struct sim_load *l, const char *name, char *error)
{
    unsigned agents;
    double p;
    int end = 0;

    memset(l, 0, sizeof(*l));
    if (strlen(name) >= sizeof(l->name) || strchr(name, '/')) {
        snprintf(error, 256, "a workload's name is a short word");
        return false;
    }
    snprintf(l->name, sizeof(l->name), "%s", name);
    if (!read_conf(l, "base", error))
        return false;
    if (sscanf(name, "base-%u-%lf%n", &agents, &p, &end) == 2 && name[end] == '\0') {
        if (agents < 1 || agents > 4096 || p <= 0 || p > 0.6) {
            snprintf(error, 256, "%s: 1 to 4096 agents and a share above 0, up to 0.6", name);
            return false;
        }
        l->agents = agents;
        l->p = p;
        return true;
    }
    return read_conf(l, name, error);
}
