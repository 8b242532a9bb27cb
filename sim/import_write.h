/* What an import leaves: DIR/callers and DIR/callees with a script a call, DIR/media with their audio,
 * DIR/calls.csv (a row a call, by which `peal-sim replay` plays), DIR/mix.yaml and DIR/agents with
 * one that says nothing (for `peal-sim serve --scenarios DIR --mix DIR/mix.yaml --audio DIR`). All
 * text is meant to be edited. */
#ifndef PEAL_SIM_IMPORT_WRITE_H
#define PEAL_SIM_IMPORT_WRITE_H

#include "sim/import_media.h"

#define IMPORT_PATH_MAX   512
#define IMPORT_NAME_MAX   16    /* "c0001" */
#define IMPORT_SCRIPT_MAX 65536 /* bytes of one script */

struct import_out {
    const char *dir, *source; /* the folder; the capture's name as people know it */
    uint64_t zero_us;         /* first INVITE of the file */
    uint64_t files, scripts, keys, stretches, srtp_calls, payload_unknown, before_sdp, refused;
    char error[IMPORT_PATH_MAX + 128]; /* what could not be written */
};

/* "c0001", "c0002"…; cap IMPORT_NAME_MAX. */
void import_name(uint32_t index, char *dst);
/* Makes the folders. */
bool import_folders(struct import_out *o);
/* All calls, then the two index files. False: o->error says what. */
bool import_write_calls(struct import_out *o, const struct import_calls *c);

/* DIR/agents/agent.lua, without which `serve` takes no mix. */
bool import_write_agent(struct import_out *o);

/* import_script.c: one side's script. media of that side; NULL where there is none. ERR_TOO_LONG.
 */
enum err import_script(struct buf *b, const struct import_out *o, uint32_t index,
                       const struct import_call *c, enum import_side side,
                       const struct import_media *media);

#endif
