/* What a Redis that has lost its last commands is told again (queue/keep.c); part of the library in
 * functions.c, before `attempt` and `complete`.
 *
 * An attempt counts as lost when the task has fewer tries than its number. While its call lives,
 * the lease is given back with it, unless somebody else has the task by now. */
#include "queue/internal.h"

const char queue_functions_recover[] =
    "local function out_of_line(c, id)\n"
    "  redis.call('ZREM', c .. ':leased', id)\n"
    "  redis.call('ZREM', c .. ':due', id)\n"
    "  leave_line(c, id)\n"
    "end\n"
    "local function lost(c, id, number, tries)\n"
    "  return tonumber(number) > tonumber(tries or 0)\n"
    "    and redis.call('HEXISTS', c .. ':tasks', id) == 1\n"
    "end\n"
    /* st, tries → true: the lease is the caller's again */
    "local function leased_again(c, id, token, engine, number, s, ends)\n"
    "  if s[1] == 'leased' or s[1] == 'done' or not lost(c, id, number, s[4]) then return false "
    "end\n"
    "  out_of_line(c, id)\n"
    "  redis.call('HSET', state(c, id), 'st', 'leased', 'tok', token, 'eng', engine)\n"
    "  redis.call('ZADD', c .. ':leased', ends, id)\n"
    "  return true\n"
    "end\n"
    /* A completion that was refused → true: its attempt was lost, and is to be closed as it says;
     * whoever has the lease by now loses it, for the call was made. */
    "local function closed_again(c, id, number, tries)\n"
    "  if not lost(c, id, number, tries) then return false end\n"
    "  out_of_line(c, id)\n"
    "  key_add(c .. ':attempts_total', tonumber(number) - tonumber(tries or 0))\n"
    "  redis.call('HSET', state(c, id), 'tries', number)\n"
    "  return true\n"
    "end\n";
