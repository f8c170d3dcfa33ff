// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share.
#ifndef VIOS_ADMIN_IOS_INT_H
#define VIOS_ADMIN_IOS_INT_H

#include <sqlite3.h>

#include "vios/admin/ios.h"

#define NAME_SIZE     80u // of anything that has a name, with its zero byte
#define LOCATION_SIZE 96u
#define PATH_SIZE     1024u
#define TOUCHED_MAX   64u
#define GROWN_MAX     256u

struct ios {
    sqlite3 *db;
    struct ios_config config; // strings are ours
    int folder_fd;            // locked for as long as the database is open; -1
    bool failed;              // a statement of this transaction went wrong
    bool writing;             // in a transaction
    struct {
        u32 slot, target;
    } touched[TOUCHED_MAX]; // what the data path was told in this transaction
    u32 touched_len;
    struct {
        char kind[16], backing[NAME_SIZE], pool[NAME_SIZE];
    } grown[GROWN_MAX]; // what clients hear when the transaction is over
    u32 grown_len;
    char bridged[NAME_SIZE]; // the Shared Ethernet Adapter that this transaction told of
    bool power, restart;     // shutdown was asked for
};

// --- odm.c: the database

// Values: s text (NULL is null), i s64.
struct query {
    struct ios *ios;
    sqlite3_stmt *stmt;
};

bool odm_run(struct ios *ios, const char *sql, const char *types, ...);
void query_begin(struct query *q, struct ios *ios, const char *sql, const char *types, ...);
bool query_next(struct query *q);
const char *query_text(struct query *q, int column); // never NULL
s64 query_number(struct query *q, int column);
void query_end(struct query *q);
// The first value of the first row: its number, or `other`; a text: whether there was a row.
s64 odm_number(struct ios *ios, s64 other, const char *sql, const char *types, ...);
bool odm_text(struct ios *ios, char *text, size_t size, const char *sql, const char *types, ...);

bool odm_begin(struct ios *ios);
bool odm_commit(struct ios *ios); // false: nothing happened
void odm_rollback(struct ios *ios);

void odm_setting(struct ios *ios, const char *name, char *text, size_t size, const char *other);
bool odm_set(struct ios *ios, const char *name, const char *value);

// What is to be removed whatever happens to the process: noted in a transaction of its own, or in the command's. size 0: the file; else a hole in it.
bool odm_clean_later(struct ios *ios, const char *path, u64 offset, u64 size);
// The same now, before the command has changed anything: for a file that it is about to make.
bool odm_prepare(struct ios *ios, const char *path);
// In the command's transaction: the file stays.
bool odm_keep(struct ios *ios, const char *path);
// Does what was noted.
void odm_clean(struct ios *ios);

// --- call.c: a command that runs

struct ios_call;

enum command_flag {
    COMMAND_CHANGES = 1, // runs in a transaction, and is logged
    COMMAND_LOGGED = 2,  // looks after its own transactions
    COMMAND_INSIDE = 4,  // has no name of its own outside of the server: the host has a program of this name
};

struct ios_command {
    const char *name;
    const char *
        forms; // one on each line; "-vg=NAME" an option with a value, "-attr=[NAME]" with one that may be missing, "-field=NAME..." with several; operands; brackets: may be missing
    int (*run)(struct ios_call *call);
    const char *summary, *text;
    u32 flags;
};

extern const struct ios_command ios_commands[];
extern const u32 ios_commands_len;
const struct ios_command *ios_command_find(const char *name);

struct ios_option_text {
    const char *command, *option, *text; // command NULL: of all
};

extern const struct ios_option_text ios_option_texts[];
extern const u32 ios_option_texts_len;
const char *ios_option_help(const char *command, const char *option);

struct ios_example {
    const char *command, *line, *text;
};

extern const struct ios_example ios_examples[];
extern const u32 ios_examples_len;

#define OPTIONS_MAX  32u
#define OPERANDS_MAX 64u

struct ios_call {
    struct ios *ios;
    const struct ios_command *command;
    struct ios_out *out;
    const char *user;
    struct {
        const char *name;
        char **values;
        u32 values_len;
    } option[OPTIONS_MAX];
    u32 options_len;
    const char *operand[OPERANDS_MAX];
    u32 operands_len;
};

bool call_has(const struct ios_call *call, const char *option);
const char *call_value(const struct ios_call *call, const char *option); // NULL
char **call_values(const struct ios_call *call, const char *option, u32 *len);

// The words of a form in turn: what it is, and how often it may come.
struct form_word {
    char option[24]; // with its -; empty: an operand
    char value[40];  // its value's name, or the operand's; empty
    bool needed;
    bool value_optional, many;
};

bool form_next(const char **form, struct form_word *word); // until the line's end; *form stands there then
// The form as it is written for people.
void form_print(const char *form, char *text, size_t size);

void text_add(struct ios_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put(struct ios_text *text, const char *bytes, size_t len);
void say(struct ios_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Prints why, with its code (NULL: none); the exit status 1.
int refuse(struct ios_call *call, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Tables: columns that -field chooses, values that -fmt joins.
struct ios_column {
    const char *field, *title;
    int width; // negative: to the right
};

#define COLUMNS_MAX 16u

struct ios_table {
    struct ios_call *call;
    const struct ios_column *columns;
    u32 chosen[COLUMNS_MAX], chosen_len;
    const char *fmt;
};

// false: a field that there is not; said. Prints the titles.
bool table_begin(struct ios_table *table, struct ios_call *call, const struct ios_column *columns, u32 len);
void table_row(struct ios_table *table, const char *const *values);

// Bytes of a size as 20G, 512M, 1T; `unit` for one without a letter, 0: needs one. 0: said why not.
u64 call_size(struct ios_call *call, const char *text, u64 unit);
// Whether it is a name of at most `max` characters; said why not.
bool call_name(struct ios_call *call, const char *name, u32 max);

// --- device.c: devices

struct device {
    char name[NAME_SIZE], class[16], type[16], parent[NAME_SIZE], description[NAME_SIZE], location[LOCATION_SIZE];
    bool available;
    s64 slot; // -1
};

bool device_find(struct ios *ios, const char *name, struct device *device);
// Says that there is none.
bool device_need(struct ios_call *call, const char *name, struct device *device);
// The next free name with this beginning.
void device_new_name(struct ios *ios, const char *prefix, char name[NAME_SIZE]);
bool device_add(struct ios *ios, const struct device *device);
bool device_remove(struct ios *ios, const char *name);
void device_base_location(struct ios *ios, char location[LOCATION_SIZE]); // U9009.42A.1234567-V1
// What the device is for `lsdev -attr`: the value that was set, or the initial one. false: no such attribute.
struct attribute {
    const char *type, *name, *initial, *text;
    bool settable;
};

extern const struct attribute device_attributes[];
extern const u32 device_attributes_len;
const struct attribute *attribute_find(const char *type, const char *name);
void attribute_value(struct ios *ios, const struct device *device, const struct attribute *attribute, char *text,
                     size_t size);

// As the functions of adapters set them.
void device_set_attribute(struct ios *ios, const char *device, const char *name, const char *value);
bool device_attribute(struct ios *ios, const char *device, const char *name, char *text, size_t size); // false, ""

int cmd_lsdev(struct ios_call *call);
int cmd_chdev(struct ios_call *call);
int cmd_rmdev(struct ios_call *call);
int cmd_cfgdev(struct ios_call *call);

// --- mapping.c: targets

struct mapping {
    char vtd[NAME_SIZE], vhost[NAME_SIZE], kind[16], backing[NAME_SIZE], pool[NAME_SIZE];
    u32 slot, target;
    bool optical, mirrored, available;
};

#define MAPPING_SELECT                                                                                          \
    "SELECT m.vtd, m.vhost, m.kind, m.backing, m.pool, a.slot, m.target, m.mirrored, a.state AND d.state FROM " \
    "mapping m JOIN "                                                                                           \
    "device a ON a.name = m.vhost JOIN device d ON d.name = m.vtd "
void mapping_read(struct query *q, struct mapping *mapping);
bool mapping_find(struct ios *ios, const char *vtd, struct mapping *mapping);
// The name that lsmap shows: a path for files.
void mapping_backing(const struct mapping *mapping, char *text, size_t size);

// Maps something on an adapter: notes it, tells the data path, prints "NAME Available". The exit status.
struct mapping_request {
    const char *vhost, *vtd; // vtd NULL: the next free name
    const char *kind, *backing, *pool;
    bool mirrored;
};
int mapping_make(struct ios_call *call, const struct mapping_request *request);
int mapping_remove(struct ios_call *call, const struct mapping *mapping, bool force);
// The data path alone.
int mapping_attach(struct ios_call *call, const struct mapping *mapping);
int mapping_detach(struct ios_call *call, const struct mapping *mapping, bool force);
// How many targets there are of it.
u32 mapping_count(struct ios *ios, const char *kind, const char *backing, const char *pool);
// Those who map it hear that it has grown, when the transaction is over.
void mapping_grown(struct ios *ios, const char *kind, const char *backing, const char *pool);
void mapping_tell_grown(struct ios *ios);
// The data path was told about it; mapping_restore() looks after it if the command is undone.
void mapping_touched(struct ios *ios, const struct mapping *mapping);
// Brings the data path to what the database says, after a command that was undone.
void mapping_restore(struct ios *ios);

// Whether it may become a backing device; says why not. The exit status.
int mapping_check_free(struct ios_call *call, const char *kind, const char *backing, const char *pool);

int cmd_mkvdev(struct ios_call *call);
int cmd_rmvdev(struct ios_call *call);
int cmd_lsmap(struct ios_call *call);

// --- ethernet.c: what there is of Ethernet adapters

// The adapters that the process was given become devices, or are Defined again.
void ethernet_configure(struct ios *ios);
bool ethernet_is(const struct device *device);      // an adapter of any kind
bool ethernet_is_real(const struct device *device); // that leads outside
// Who has it: the first device whose attribute names it. false: nobody.
bool ethernet_user(struct ios *ios, const char *adapter, char user[NAME_SIZE]);
// What carries frames hears what the database says of it.
int ethernet_tell(struct ios *ios, const char *sea, char *why);
// After a command that was undone.
void ethernet_restore(struct ios *ios);
int ethernet_list(struct ios_call *call); // lsmap -net

// --- ethernet_make.c: commands that make and change adapters

int ethernet_make_sea(struct ios_call *call);
int ethernet_make_vlan(struct ios_call *call);
int ethernet_make_aggregation(struct ios_call *call);
// chdev -attr, when the attribute is one of these adapters'; rmdev, rmvdev. The exit status.
int ethernet_change(struct ios_call *call, const struct device *device, char **values, u32 len);
int ethernet_remove(struct ios_call *call, const struct device *device);

// --- entstat.c

int cmd_entstat(struct ios_call *call);

// --- manual.c

int cmd_help(struct ios_call *call);

// --- backing.c: what is behind a target

#define VOLUME_START MIB // of a physical volume: its label is before the first partition

// FOLDER/storagepools/POOL/NAME, or FOLDER/VMLibrary/NAME without a pool.
void volume_path(struct ios *ios, const char *lv, char path[PATH_SIZE]); // FOLDER/volumes/LV
void storage_path(struct ios *ios, const char *pool, const char *name, char path[PATH_SIZE]);

struct backing {
    struct ios_backing backing;
    struct ios_extent *extents;
    char (*paths)[PATH_SIZE];
    char name[NAME_SIZE];
};

// 0 or a negative errno with a sentence.
int backing_find(struct ios *ios, const char *kind, const char *name, const char *pool, struct backing *backing,
                 char *why);
void backing_fini(struct backing *backing);

// --- volumes.c: physical volumes

int volumes_configure(struct ios *ios, char *why);
u64 volume_file_size(const char *path); // 0: none
u64 volume_partition_size(u64 size);    // that suits a volume group with a disk of this size
// A new one. false: it cannot be written down.
bool volume_add(struct ios *ios, const char *path, u64 size, bool internal);
int cmd_lspv(struct ios_call *call);

// --- iscsi.c: those of iSCSI targets

bool iscsi_is(const char *path);
// Looks at each of them: which are there, how large they are.
void iscsi_configure(struct ios *ios);
int cmd_mkiscsi(struct ios_call *call);
int cmd_lsiscsi(struct ios_call *call);

// --- groups.c

int cmd_mkvg(struct ios_call *call);
int cmd_extendvg(struct ios_call *call);
int cmd_reducevg(struct ios_call *call);
int cmd_activatevg(struct ios_call *call);
int cmd_deactivatevg(struct ios_call *call);
int cmd_lsvg(struct ios_call *call);

// --- logical.c

int cmd_mklv(struct ios_call *call);
int cmd_extendlv(struct ios_call *call);
int cmd_rmlv(struct ios_call *call);
int cmd_lslv(struct ios_call *call);

// --- pools.c

int cmd_mksp(struct ios_call *call);
int cmd_chsp(struct ios_call *call);
int cmd_rmsp(struct ios_call *call);
int cmd_lssp(struct ios_call *call);
int cmd_mkbdsp(struct ios_call *call);
int cmd_chbdsp(struct ios_call *call);
int cmd_rmbdsp(struct ios_call *call);

// --- media.c

int cmd_mkrep(struct ios_call *call);
int cmd_chrep(struct ios_call *call);
int cmd_rmrep(struct ios_call *call);
int cmd_lsrep(struct ios_call *call);
int cmd_mkvopt(struct ios_call *call);
int cmd_chvopt(struct ios_call *call);
int cmd_rmvopt(struct ios_call *call);
int cmd_lsvopt(struct ios_call *call);
int cmd_loadopt(struct ios_call *call);
int cmd_unloadopt(struct ios_call *call);

// files.c: after a process that died, files have the sizes that the database says.
void files_settle(struct ios *ios);

// --- house.c

int cmd_ioslevel(struct ios_call *call);
int cmd_hostname(struct ios_call *call);
int cmd_license(struct ios_call *call);
int cmd_motd(struct ios_call *call);
int cmd_shutdown(struct ios_call *call);
int cmd_errlog(struct ios_call *call);
int cmd_lsgcl(struct ios_call *call);
int cmd_viostat(struct ios_call *call);
int cmd_lstcpip(struct ios_call *call);
int cmd_chkdev(struct ios_call *call);

// --- backup.c

int cmd_backupios(struct ios_call *call);
int cmd_viosbr(struct ios_call *call);

#endif
