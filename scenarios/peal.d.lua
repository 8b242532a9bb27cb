---@meta
-- What the Lua language server knows of call scripts. Written by tools/flow-reference from
-- engine/flow/verbs_*.c. Do not edit.

---@alias peal.Text string|number
---A file of the audio folder, the name of a prompt, { say = text }, or a list of these.
---@alias peal.Prompt string|{ say: peal.Text }|peal.Prompt[]

---@class peal.Call
---@field number string the number called
---@field caller string the caller's number
---@field attempt integer
---@field leg integer
---@field row table<string, string> the data row
---@field ended boolean
local call = {}

---@class peal.Declaration
---@field run fun(call: peal.Call)
---@field limit? number seconds for the whole script
---@field truth? string
---@field language? "en"|"ru"|"sl"
---@field prompts? table<string, table<"en"|"ru"|"sl", string>>

---(simulator)
---Declares the script of someone who is called; a script ends by returning it. `truth` is what the
---engine should find out: a label of the closed list of results. `limit` in seconds bounds the
---whole script.
---@param declaration peal.Declaration
---@return table
function callee(declaration) end

---(simulator)
---Declares the script of someone who calls. It starts when the INVITE has left.
---@param declaration peal.Declaration
---@return table
function caller(declaration) end

---(simulator)
---Declares the script of an agent, whose leg the engine calls and keeps up between conversations.
---@param declaration peal.Declaration
---@return table
function agent(declaration) end

---Declares a flow of the engine. `prompts` are its texts, by name and language: { main = { en =
---"For orders press one.", ru = "…", sl = "…" } }; `language` is that of calls that do not choose
---one by call:language. Other scripts may have both, too.
---@param declaration peal.Declaration
---@return table
function flow(declaration) end

---A setting of the run (the mix file's `settings`): a number where it reads as one, else a text;
---`otherwise` where it is not set.
---@param name string
---@param otherwise? any
---@return any ...
function setting(name, otherwise) end

---(simulator)
---Counts a passed or a failed check; failed ones are reported with the script's line, and make the
---run's exit code 1. The script goes on. Returns the condition.
---@param condition any
---@param text? peal.Text
---@return any ...
function check(condition, text) end

---(simulator)
---As check, but a failed one ends the script ("failed").
---@param condition any
---@param text? peal.Text
---@return any ...
function expect(condition, text) end

---Answers an incoming call (200 OK) and waits for the caller's ACK, at most 33 seconds.
---Returns true, or nil and "timeout". Audio flows from the 200 on. With `ack = false`, in the
---simulator, it returns at once, and a call:hangup before the ACK sends its BYE at once, too, which
---RFC 3261 forbids.
---@param options? { ack?: boolean }
---@return any ...
function call:answer(options) end

---For a call that goes out: waits until the far side answers, at most `limit` seconds.
---Returns true, or nil and "timeout". A refused call ends the script ("hangup").
---@param options { limit?: number }
---@return any ...
function call:wait_answer(options) end

---Does nothing for so long. What is being played in the background goes on.
---@param seconds number
---@return any ...
function call:wait(seconds) end

---Waits until the far side ends the call, at most so long. Returns "hangup" or "timeout". Unlike
---other verbs it returns after the end, so that the script can check what it learned.
---@param seconds number
---@return any ...
function call:wait_hangup(seconds) end

---Ends the call in whatever way its state asks for (BYE, CANCEL or a refusal), with a Q.850 cause
---(16, normal clearing, when not given). Returns when it has ended; further verbs that act on the
---call end the script.
---@param cause? integer
---@return any ...
function call:hangup(cause) end

---Refuses an incoming call with a SIP code from 300 to 699 (603 when not given), a reason phrase
---and a Q.850 cause (sent as a Reason header). Returns when the call has ended.
---@param code? integer
---@param reason? string
---@param cause? integer
---@return any ...
function call:reject(code, reason, cause) end

---(simulator)
---Sends a provisional response (180 Ringing; or 181, 182, 183 without audio) and waits so long
---(not at all when no time is given). A caller who gives up ends the script.
---@param seconds? number
---@param code? integer
---@return any ...
function call:ring(seconds, code) end

---(simulator)
---183 Session Progress with SDP: what is played from now on is early media, before any answer.
---@return any ...
function call:progress() end

---(simulator)
---true: no RTP packet is sent at all, as on a line whose media path is broken. Call it before
---call:answer() for a call that never had any. false: packets flow again.
---@param on boolean
---@return any ...
function call:mute(on) end

---Keeps the moment under a name in the call's report, in milliseconds since the INVITE. At most 24
---marks a call. The mark "beep" after a machine's tone is the truth that beep detection is
---compared with.
---@param name string
---@return any ...
function call:mark(name) end

---Writes a line to the program's log, with the script's line.
---@param text peal.Text
---@return any ...
function call:log(text) end

---fn(outcome) runs once when the script is over, whatever ended it: "done", "hangup", "timeout",
---"failed", "error" or "stopped". It may mark, log and check, but not act on the call. A later
---call replaces the function.
---@param fn fun(outcome: string)
---@return any ...
function call:finally(fn) end

---A header of the INVITE as text, or nil.
---@param name string
---@return any ...
function call:header(name) end

---Seconds since the INVITE.
---@return any ...
function call:age() end

---Sets the language of prompts, of what is said and of read.*: "en", "ru" or "sl".
---@param name string
---@return any ...
function call:language(name) end

---(simulator)
---Sets what the engine should find out about this call, where the script decides it by a draw. A
---label of the closed list of results, as in `truth` of a callee.
---@param label string
---@return any ...
function call:truth(label) end

---(simulator)
---Which codecs an incoming call may have, the preferred one first, as in "opus, g722, pcma": pcmu,
---pcma, g722, opus, l16, l16-16k. Before call:progress and call:answer. A caller without any of
---them is refused with 488. Without it: those of the program (`codecs` of a suite, --codecs).
---@param list any
---@return any ...
function call:codecs(list) end

---Plays a prompt and waits for its end: a sound file of the audio folder ("human/001.wav"); the
---name of a prompt, which is the file prompts/NAME.LANG.wav of the audio folder or, where there is
---none, the script's text for it, spoken; { say = text }; or a list of these. LANG is the call's
---language or `lang`; `with = { name = value }` fills {name} in texts. Returns "done"; "key" or
---"speech" when that cut it short (a key pressed before counts: it stays for the next verb that
---reads keys); nil and "timeout" after `limit` (its length and 5 seconds, when not given).
---`background = true` returns at once; `loop` (of one file) needs that or a limit.
---@param prompt peal.Prompt
---@param options? { barge?: "key"|"speech"|"any", loop?: boolean, limit?: number, background?: boolean, with?: table<string, peal.Text>, lang?: "en"|"ru"|"sl" }
---@return any ...
function call:play(prompt, options) end

---Speaks a text by the configured synthesiser, in the call's language or `lang`; what was spoken
---once is kept. At most 1000 bytes. Else as call:play.
---@param text peal.Text
---@param options? { lang?: "en"|"ru"|"sl", barge?: "key"|"speech"|"any", limit?: number, loop?: boolean, background?: boolean, with?: table<string, peal.Text> }
---@return any ...
function call:say(text, options) end

---Stops what is being played, and what waits behind it.
---@return any ...
function call:stop() end

---Plays a tone and waits for its end. The frequency in Hz, a pair {480, 620}, or a name: dial,
---ringback, busy, reorder (North American), cng, ced. `level` in dBm0 of each frequency; `on` and
---`off` make a cadence.
---@param frequency any
---@param seconds number
---@param options? { level?: number, on?: number, off?: number }
---@return any ...
function call:tone(frequency, seconds, options) end

---(simulator)
---Plays a special information tone: ic, vc (when not given), ro_intra, ro_inter, nc_intra,
---nc_inter, or itu for the form without category. Waits for its end.
---@param category? string
---@return any ...
function call:sit(category) end

---Sends silence for so long, measured in audio like a sound file, and waits for its end.
---@param seconds number
---@return any ...
function call:silence(seconds) end

---Sends keys 0-9 * # A-D as telephone-events (RFC 4733), or as tones in the audio, and waits for
---the end.
---@param digits string
---@param options? { in_band?: boolean, on?: number, gap?: number }
---@return any ...
function call:send_dtmf(digits, options) end

---Reads keys: until `max`, the stop key (which is not part of the result), or `between` seconds
---without a further one; the first is waited for `wait` seconds, after the prompt (as call:play's;
---`lang` and `with` too). A key stops the prompt. Keys pressed before count. Returns the digits;
---or nil, "timeout" or "short" (the stop key came before `min`), and what was pressed.
---@param options { min?: number, max?: number, stop?: string, wait?: number, between?: number, prompt?: peal.Prompt, lang?: "en"|"ru"|"sl", with?: table<string, peal.Text> }
---@return any ...
function call:digits(options) end

---Plays the prompt (as call:play's; `lang` and `with` too) and waits for one of the keys, `wait`
---seconds after its end; a key stops the prompt, and one pressed before is taken at once. After
---silence or another key it asks again, `again` times (after another key `wrong` is played first).
---Returns the key; or nil and "timeout" or "wrong".
---@param options { prompt?: peal.Prompt, keys?: string, wait?: number, again?: number, wrong?: peal.Prompt, lang?: "en"|"ru"|"sl", with?: table<string, peal.Text> }
---@return any ...
function call:menu(options) end

---Waits until one of the kinds is heard: speech (someone begins to talk), speech_end, silence (for
---at least `silence` seconds; told as dead_air where the packets have nothing in them), dead_air
---(only that), recording (one of the library of known recordings, `prints`; only that one, with
---`id`), beep, tone (any network or fax tone), or one by name: busy, reorder, ringback, dial_tone,
---unobtainable, sit, cng, ced, modem, preamble (of a fax machine's answer). Returns the kind and a
---table { start, finish (seconds since the leg began), level (dBm0), frequency, category (of a SIT
---or a ced), id, result, language (of a recording) }; or nil and "timeout".
---@param options { limit?: number, silence?: number, id?: any, [integer]: any }
---@return any ...
function call:listen(options) end

---Records until the far side hangs up, `limit` seconds have passed, it was silent for `silence`
---seconds or pressed the stop key. Returns { seconds, speech (seconds of it in which someone
---talked), outcome ("hangup", "limit", "silence", "key"), file (where a folder for recordings is
---configured) }. It returns after a hang-up too, so that the script can check the message.
---@param options { limit?: number, silence?: number, stop?: string, max?: number }
---@return any ...
function call:record(options) end

read = {}

---A whole number in words, in the call's language or `lang`: up to 999,999,999,999,999 and its
---negative. `gender` is that of what is counted (Russian "одна", Slovenian "dva").
---@param n integer
---@param options? { gender?: "m"|"f"|"n", lang?: "en"|"ru"|"sl" }
---@return any ...
function read.number(n, options) end

---Keys one by one (0-9 * # + A-D; blanks, dots, dashes and brackets are left out), up to 64.
---@param text peal.Text
---@param options? { lang?: "en"|"ru"|"sl" }
---@return any ...
function read.digits(text, options) end

---A day "2026-03-15", or without its year "03-15". `on`: as the answer to "when?" (Russian and
---Slovenian genitive).
---@param date string
---@param options? { on?: boolean, lang?: "en"|"ru"|"sl" }
---@return any ...
function read.date(date, options) end

---An amount of money, such as 12.5, "EUR": EUR, USD, GBP, CHF, RUB or RSD. Hundredths are rounded
---and left out where there are none.
---@param amount number
---@param currency string
---@param options? { lang?: "en"|"ru"|"sl" }
---@return any ...
function read.amount(amount, currency, options) end

---Which form of a noun goes with a number: English one, many; Russian one, few, many; Slovenian
---one, two, few, many. A form that is not given is `many`.
---@param n integer
---@param options { one?: peal.Text, two?: peal.Text, few?: peal.Text, many?: peal.Text, lang?: "en"|"ru"|"sl" }
---@param options? { lang?: "en"|"ru"|"sl" }
---@return any ...
function read.plural(n, options, options) end

---Waits until the call is so many seconds old (call:age() counts from its INVITE). Returns at once
---when it is older: what follows does not drift, however long the verbs before took.
---@param age any
---@return any ...
function call:wait_until(age) end

---(simulator)
---Sends the RTP packets of an rtpdump file of the audio folder (rtptools, Wireshark, `peal-sim
---import`) with their own timing: losses, jitter and order stay, payloads are not decoded; SSRC,
---sequence numbers and timestamps are the call's. `clock` is the payload's, in Hz. Waits for the
---end and returns "done"; in the background it returns at once. From then on the call is hushed.
---@param file string
---@param options? { clock?: number, background?: boolean }
---@return any ...
function call:play_packets(file, options) end

---(simulator)
---true: while nothing is played, nothing is sent, as by equipment that sends no silence. false:
---silence fills the gaps again.
---@param on boolean
---@return any ...
function call:hush(on) end

---(simulator)
---What the audio of an incoming call is to be, as in a=rtpmap: "opus/48000/2", and a=fmtp. Before
---call:progress and call:answer. PCMU/8000 or PCMA/8000 is preferred to the other; anything else is
---accepted alone, and only call:play_packets can send it. A caller without it is refused with 488.
---@param format any
---@param parameters? any
---@return any ...
function call:payload(format, parameters) end

---Puts a leg on hold by a re-INVITE (sendonly): the call itself, or the one that call:dial made.
---It hears `music`, a sound file, in a loop, or nothing. With false: takes it back (sendrecv), and
---its music stops. Returns true; or nil and "hangup" when that leg has ended.
---@param on? boolean
---@param options? { leg?: "caller"|"far", music?: string }
---@return any ...
function call:hold(on, options) end

---(simulator)
---Asks the far side to call somebody, a "sip:" URI (REFER), and waits until it tells how that went,
---at most `limit` seconds; with 0 it does not wait. Returns the code it told (200: answered); nil,
---"refused" and the code when it would not; or nil and "timeout". The call itself goes on.
---@param uri any
---@param options? { limit?: number }
---@return any ...
function call:refer(uri, options) end

---(simulator)
---How a REFER of the far side is answered from now on: 202 when no code is given, or any from 200
---to 699. Nobody is called; without this verb it gets 405.
---@param code? integer
---@return any ...
function call:take_refer(code) end

---(simulator)
---Waits until the far side asks by REFER, at most so long (call:take_refer says how it is
---answered). Returns whom it wants called, the URI of Refer-To; or nil and "timeout". One that came
---earlier and was not waited for counts.
---@param seconds number
---@return any ...
function call:wait_refer(seconds) end

---(simulator)
---Tells the far side how the call that it asked for by REFER goes (NOTIFY): 100, 180, and from 200
---on that it is over.
---@param code integer
---@return any ...
function call:notify(code) end

---(simulator)
---Refuses an offer of the far side within the call (re-INVITE or UPDATE with a session
---description) with a code from 300 to 699: the `nth` that comes from now on, the next when not
---given. The call goes on as it was. At most 16 may wait.
---@param code integer
---@param nth? any
---@return any ...
function call:refuse_offer(code, nth) end

---Calls a number by the configured trunk, or a "sip:" address, and waits until it answers, `ring`
---seconds at most. `caller` is shown to it, in From and in P-Asserted-Identity (when not given, the
---number that was called), with `name`. The caller hears ringback meanwhile, or `music` in a loop
---("": nothing); the key `stop` gives up. Returns true; or nil, an outcome and the SIP code: a
---label of the closed list of results ("busy", "no_answer", "vacant", "rejected", "congestion"…),
---"key", or "hangup" when the caller hung up while it rang. A script has one such leg at a time.
---@param to any
---@param options? { caller?: any, name?: peal.Text, ring?: number, music?: string, stop?: string }
---@return any ...
function call:dial(to, options) end

---The caller and the leg that call:dial made hear each other, until one of them hangs up: "far" or
---"hangup"; after `limit` seconds "limit"; by the caller's key `stop` "key". The last two leave
---both legs up, not hearing each other. With `record` both are recorded in stereo, the `left` one
---left.
---@param options { record?: boolean, left?: string, stop?: string, limit?: number }
---@return any ...
function call:bridge(options) end

---Hangs up the leg that call:dial made; harmless when there is none.
---@return any ...
function call:drop() end

---left = "caller", limit = 7200 }])
---Puts the caller through to a number or a "sip:" address (call:dial, then call:bridge), or to
---"agent": the next free one, waited for `ring` seconds; "agent sales": of that group. Returns
---"far" when they hung up, "hangup" when the caller did, "limit", and the agent's name; or nil and
---why nobody was reached: an outcome of call:dial, for agents "timeout" or "no_agents".
---@return any ...
function call:transfer() end

---Whether the hours of that name (`hours` of the numbers file) are now.
---@param name string
---@return any ...
function call:is_open(name) end

---Puts the number that was called on a do-not-call list of `peal dnc`, for every engine at once:
---"global" (when not given), "campaign" (this one's), or a channel: "phone", "text", "mail".
---Returns true; or nil, an outcome and a sentence, as store.*. It is asked for also when the call
---has ended meanwhile.
---@param list? any
---@return any ...
function call:do_not_call(list) end

---Seconds since the beginning of 1970 (UTC), by the clock on the wall.
---@return any ...
function call:wall() end

---Waits in a function of call:afterwards, where there is no call any more to wait on.
---@param seconds number
---@return any ...
function call:pause(seconds) end

---fn(outcome) runs when the script is over and call:finally has run, whatever ended it, and goes on
---when the call is gone: it may wait (call:pause), store and post, at most an hour, but not act on
---the call. A later one replaces the function.
---@param fn fun(outcome: string)
---@return any ...
function call:afterwards(fn) end

---From now on a recording of the call (call:record, call:bridge, a campaign's) has silence in
---place of both sides, and keys are not noted in its index: for a card's number. It goes on until
---call:record_resume, also into recordings that begin meanwhile.
---@return any ...
function call:record_pause() end

---Both sides are recorded again. Harmless where nothing is masked.
---@return any ...
function call:record_resume() end

store = {}

---What is stored under a key (1 to 200 bytes): a text, or the table that was stored; nil when there
---is nothing. All of store.* waits for its answer `limit` seconds and returns nil, an outcome and a
---sentence when there is none: "timeout" (whether it was done is not known), "unavailable" (Redis
---is away), "busy" (too much is under way), "wrong_type" (a list where a value is asked for),
---"failed". What one call does is one step for all calls and engines. In call:finally put, add,
---push, remove and unlock are sent without waiting.
---@param key string
---@param options? { limit?: number }
---@return any ...
function store.get(key, options) end

---Stores a text, a number (it comes back as a text) or a table (as JSON; at most 64 KiB) for `ttl`
---seconds, or for good. only = "new": when there is nothing yet; "old": when there is something;
---`same`: when what is there is that. Returns true, or false when the condition did not hold.
---@param key string
---@param value any
---@param options? { ttl?: number, only?: "new"|"old", same?: any, limit?: number }
---@return any ...
function store.put(key, value, options) end

---Adds a whole number (1 when not given; it may be negative) to what is stored, 0 when nothing is,
---and returns the sum. `ttl` holds from the first addition on.
---@param key string
---@param number? integer
---@param options? { ttl?: number, limit?: number }
---@return any ...
function store.add(key, number, options) end

---Puts a value at the end of a list and returns its length; nil and "full" when it has `max` items.
---`ttl` holds from the first item on.
---@param key string
---@param value any
---@param options? { max?: number, ttl?: number, limit?: number }
---@return any ...
function store.push(key, value, options) end

---Gives out a value and removes it in one step, so that nobody else gets it too; of a list, its
---oldest item. nil when there is nothing.
---@param key string
---@param options? { limit?: number }
---@return any ...
function store.take(key, options) end

---The items of a list, oldest first, at most `max` (up to 1000); an empty table when there is none.
---@param key string
---@param options? { max?: number, limit?: number }
---@return any ...
function store.list(key, options) end

---Removes what is stored under a key; with a value, the items of the list that are equal to it.
---Returns how many went.
---@param key string
---@param value? any
---@param options? { limit?: number }
---@return any ...
function store.remove(key, value, options) end

---Takes a lock that one call has at a time, in all engines: true, or nil and "locked" when it is
---still another's after `wait` seconds. It is free again by store.unlock, `ttl` seconds after it
---was taken, and when a lock that came too late is not wanted any more. What is stored under the
---same key is not touched.
---@param key string
---@param options? { ttl?: number, wait?: number, limit?: number }
---@return any ...
function store.lock(key, options) end

---Gives a lock back. Returns true, or false when it was not this call's (any more).
---@param key string
---@param options? { limit?: number }
---@return any ...
function store.unlock(key, options) end

http = {}

---Asks a web service that the configuration allows. Returns { status, ok (a status of 200 to 299),
---body (a table where the answer is JSON, else a text, at most 64 KiB; nil when empty) }. When
---there is no answer: nil, an outcome and a sentence: "timeout" (after `limit` seconds),
---"unavailable" (not reached, or broken off), "too_long", "wrong_type" (no HTTP, or no JSON where
---it was said to be), "refused" (the name stands for an address of this machine), "busy", "failed".
---Redirections are not followed. A host that is not allowed is an error on the script's line.
---@param url string
---@param options? { headers?: table<string, string>, limit?: number }
---@return any ...
function http.get(url, options) end

---As http.get, with a body: a table goes out as JSON, a text as it stands (`type`: text/plain, when
---not given). In call:finally it is sent without waiting for the answer.
---@param url string
---@param body? any
---@param options? { headers?: table<string, string>, type?: peal.Text, limit?: number }
---@return any ...
function http.post(url, body, options) end

---As http.post, with the method PUT.
---@param url string
---@param body? any
---@param options? { headers?: table<string, string>, type?: peal.Text, limit?: number }
---@return any ...
function http.put(url, body, options) end

---(simulator)
---Waits until this recording of the audio folder is heard from the far side, recognised by its
---sound from any second of it on; the file stands in the script as a text, and has at least a
---second of sound. Returns true and the time since the INVITE; or false and what was heard instead,
---as all call:hears… do: `check(call:hears("ivr/001.wav"))`. They return after a hang-up, too.
---@param file string
---@param options? { within?: number }
---@return any ...
function call:hears(file, options) end

---(simulator)
---Waits for a tone: a frequency in Hz (a single tone of 0.1 to 1.5 seconds, within 3 %), or beep,
---busy, reorder, ringback, dial_tone, unobtainable, sit, cng, ced, modem.
---@param tone any
---@param options? { within?: number, level_min?: number, level_max?: number }
---@return any ...
function call:hears_tone(tone, options) end

---(simulator)
---Waits until someone talks; with `at_least` or a level, until the end of a talk spurt of that
---length and level.
---@param options { within?: number, at_least?: number, level_min?: number, level_max?: number }
---@return any ...
function call:hears_speech(options) end

---(simulator)
---Waits for so long a stretch in which nothing is heard over the line's noise, packets or not; told
---when it has lasted 1, 2, 3, 5, 8, 13 … seconds. `within` is twice the time and three seconds when
---not given.
---@param seconds number
---@param options? { within?: number }
---@return any ...
function call:hears_silence(seconds, options) end

---(simulator)
---Waits for anything audible: speech, a tone, a recording. False on a line that is silent or whose
---audio comes one way only.
---@param options { within?: number }
---@return any ...
function call:hears_sound(options) end

---(simulator)
---Waits until it is certain that audio goes one way only: 3 seconds of our sound were sent (play
---some in the background) and no packets or only digital zeros came back, or no packet at all
---within the time. Returns true, or false and why not.
---@param options { within?: number }
---@return any ...
function call:one_way(options) end

---(simulator)
---Whether a SIP message came: a method ("BYE"), a response to the INVITE (180, "4xx"), or to
---another request ("200 BYE"). `within` waits for it, so many seconds since the INVITE or since the
---message `after`; `count`: it came at least so often (retransmissions do not count); `sent`: of
---the messages this side sent. Returns true and its time since the INVITE; or false and which
---messages came. Works after the call's end, too.
---@param message string
---@param options? { within?: number, after?: any, count?: number, sent?: boolean }
---@return any ...
function call:got(message, options) end

---(simulator)
---Whether the INVITE's final response is this: 486, "4xx". Returns true and the code; or false and
---what came instead. After call:wait_hangup or call:wait_answer.
---@param code integer
---@return any ...
function call:got_code(code) end

---(simulator)
---A header's value in the first such message of the call (as for call:got), or nil. The full name
---of the header, in any case.
---@param message string
---@param header string
---@return any ...
function call:message_header(message, header) end

---(simulator)
---Whether that header of the first such message has this text in it: `check(call:got_header(
---"INVITE", "P-Asserted-Identity", "+12025550100"))`. Returns true and the value; or false and what
---it has.
---@param message string
---@param header string
---@param text peal.Text
---@return any ...
function call:got_header(message, header, text) end

---(simulator)
---The call's messages so far, a list of { name, at (seconds since the INVITE), sent, code (of a
---response), repeated }.
---@return any ...
function call:messages() end

---(simulator)
---0 } What the RTP packets of this leg meet on their way out, from now on: `loss`, `reorder` and
---`duplicate` in percent; loss in bursts of `burst` packets on average, or one by one when it is
---not given; `delay` and at most `jitter` more, in seconds (jitter keeps the order); `drift` of the
---leg's clock in parts per million, above 0: too fast. An empty table ends it. The dice are the
---leg's own, so a run with the same seed loses the same packets.
---@param options { loss?: number, burst?: number, delay?: number, jitter?: number, reorder?: number, duplicate?: number, drift?: any, [integer]: any }
---@return any ...
function call:impair(options) end

---(simulator)
---Messages of this call go wrong from now on: `lose` (ours do not leave), `ignore` (theirs do not
---arrive), `double` (`copies` more of ours at once), `late` (`by` seconds, 0.5 when not given),
---`bloat` (headers of `bytes` more, 4000 when not given, up to 60000). Its text says which
---messages: a request ("BYE"), a response ("180", "2xx", "200/BYE" for those to one method), or "*"
---for all. The next `times` of them (1 when not given; 0: all). Retransmissions count as messages.
---The first rule that fits is the one that acts.
---@param options { lose?: string, times?: number, ignore?: any, double?: any, late?: any, bloat?: any, copies?: any, by?: any, bytes?: any }
---@return any ...
function call:misbehave(options) end

---(simulator)
---Puts a header of the script's own into messages of this call that leave from now on: into those
---that `to` says, as in call:misbehave, and so many of them (0: all). The far side reads it by
---call:header, where it is the INVITE's, or call:message_header.
---@param name string
---@param value any
---@param options? { to?: string, times?: number }
---@return any ...
function call:add_header(name, value, options) end

---(simulator)
---The caller's CANCEL gets its own 200, and the call goes on as if nothing had come. Waits for it,
---at most so long. Returns true, or nil and "timeout". What is done next is up to the script:
---call:answer() is the 200 that crosses a CANCEL, call:reject(486) another late answer.
---@param seconds number
---@return any ...
function call:defy_cancel(seconds) end

---(simulator)
---Sends a response to the call's INVITE, whatever its state, and leaves the state as it is: a 180
---after the 200, a second final answer, a code that nobody has (100 to 699). Without SDP. `tag`
---makes it another far end's (a fork).
---@param code integer
---@param phrase? any
---@param tag? any
---@return any ...
function call:respond(code, phrase, tag) end

---(simulator)
---An exponentially distributed number; cut to min and max where given.
---@param mean number
---@param options? { min?: number, max?: number }
---@return any ...
function exp(mean, options) end

---(simulator)
---A normally distributed number.
---@param mean number
---@param deviation number
---@param options? { min?: number, max?: number }
---@return any ...
function normal(mean, deviation, options) end

---(simulator)
---A lognormally distributed number by its own mean and coefficient of variation: the usual shape
---of talk times.
---@param mean number
---@param cv number
---@param options? { min?: number, max?: number }
---@return any ...
function lognormal(mean, cv, options) end

---(simulator)
---A number from low to high.
---@param low number
---@param high number
---@return any ...
function uniform(low, high) end

---(simulator)
---true in that share of draws (0 to 1).
---@param share number
---@return any ...
function chance(share) end

---(simulator)
---One item of a list, each equally likely; or one of the names, by weight.
---@param items any[]
---@return any ...
function choose(items) end

---(simulator)
---A file of a folder of the audio root, drawn by the leg's dice: call:play(pick("human")).
---@param folder string
---@return any ...
function pick(folder) end
