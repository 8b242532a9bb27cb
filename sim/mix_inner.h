/* What mix.c draws from and mix_file.c fills in. Private to the two. */
#ifndef PEAL_SIM_MIX_INNER_H
#define PEAL_SIM_MIX_INNER_H

#include "sim/mix.h"
#include "sim/wrongs.h"

#define MIX_SPELLS_MAX 16
#define MIX_POINTS_MAX 200

struct mix_entry {
    char *scenario;
    double weight;
    bool per_attempt;
};

struct mix_rule {
    char digits[64];
    bool is_prefix;
    uint32_t entry;
};

/* A number is in it for a while: `lasts` seconds on average, `share` (0…1) of all time. */
struct mix_spell {
    uint32_t entry;
    double share, lasts;
};

struct mix_point { /* of the answer rate, 0…1 */
    double at_s, rate;
};

struct mix {
    struct mix_entry entry[MIX_SCENARIOS_MAX];
    uint32_t entries;
    double weight[2]; /* of lasting entries, of per-attempt entries */
    struct mix_rule *rules;
    uint32_t rule_count;
    char agent_prefix[64], agent_scenario[136];
    char setting_name[MIX_SETTINGS_MAX][48], setting_value[MIX_SETTINGS_MAX][128];
    uint32_t settings;
    struct mix_spell spell[MIX_SPELLS_MAX];
    uint32_t spells;
    double spells_share, spells_often; /* sums of share, and of share / lasts */
    struct mix_point point[MIX_POINTS_MAX];
    uint32_t points;
    double speed;
    struct wrongs wrongs;
};

/* The entry of that name, made with weight 0 when only others use it. UINT32_MAX: no room. */
uint32_t mix_entry_of(struct mix *m, const char *scenario);
void mix_sort_rules(struct mix *m);

#endif
