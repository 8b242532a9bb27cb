/* Faults of a script that can be seen without a call: verbs that do not exist, sound files and
 * prompts that are not there (in any of the script's languages), names nobody defined, waits that
 * have no limit or rely on a default one, menus without keys, weights that do not add up, sound
 * files and captured packets that cannot be read, options of call:impair and call:misbehave and
 * formats of call:payload that are not possible.
 * Works on the words of the text (Lua itself has checked the syntax before), so what is computed at
 * run time is not seen. */
#ifndef PEAL_SIM_LINT_H
#define PEAL_SIM_LINT_H

#include "flow/flow.h"

enum lint_level { LINT_WARNING, LINT_ERROR };
typedef void lint_fn(void *arg, uint32_t line, enum lint_level level, const char *text);

/* rt tells verbs and sound files, which it loads; without an audio folder files are not looked for.
 * script: the same text as it was loaded, tells the prompts; NULL: they are not looked for. */
void lint_script(struct flow_runtime *rt, const struct flow_script *script, struct slice text,
                 lint_fn *report, void *arg);

#endif
