// SPDX-License-Identifier: Apache-2.0
// Help, manual pages and completion, from the tables of commands.c.
#include <ctype.h>
#include <string.h>

#include "base/roff.h"
#include "vios/admin/ios_int.h"

static const char *next_form(const char *form)
{
    form += strcspn(form, "\n");
    return *form ? form + 1 : NULL;
}

// Each option of a command once, in the order of its forms.
static bool first_time(const struct ios_command *command, const char *at, const char *option)
{
    struct form_word word;
    for (const char *form = command->forms; form; form = next_form(form))
        for (const char *p = form; form_next(&p, &word);) {
            if (*word.option && strcmp(word.option, option) == 0)
                return p >= at;
        }
    return true;
}

typedef void (*option_fn)(void *context, const struct ios_command *command, const struct form_word *word);

static void each_option(const struct ios_command *command, option_fn fn, void *context)
{
    struct form_word word;
    for (const char *form = command->forms; form; form = next_form(form))
        for (const char *p = form; form_next(&p, &word);)
            if (*word.option && first_time(command, p, word.option))
                fn(context, command, &word);
}

// --- help

static void say_option(void *context, const struct ios_command *command, const struct form_word *word)
{
    char left[80];
    const char *text = ios_option_help(command->name, word->option);
    snprintf(left, sizeof(left), "%s%s%s%s", word->option, *word->value ? " " : "", word->value,
             word->many ? "..." : "");
    say(context, "  %-28s %s\n", left, text ? text : "");
}

static int describe(struct ios_call *call, const struct ios_command *command)
{
    say(call, "%s\n\n", command->summary);
    for (const char *form = command->forms; form; form = next_form(form)) {
        char text[600];
        form_print(form, text, sizeof(text));
        say(call, "%s %s%s%s\n", form == command->forms ? "Usage:" : "      ", command->name, *text ? " " : "", text);
    }
    if (strchr(command->forms, '-'))
        say(call, "\n");
    each_option(command, say_option, call);
    if (*command->text)
        say(call, "\n%s\n", command->text);
    for (u32 i = 0; i < ios_examples_len; i++)
        if (strcmp(ios_examples[i].command, command->name) == 0)
            say(call, "\n%s\n  $ %s\n", ios_examples[i].text, ios_examples[i].line);
    return 0;
}

int cmd_help(struct ios_call *call)
{
    if (call->operands_len) {
        const struct ios_command *command = ios_command_find(call->operand[0]);
        return command
                   ? describe(call, command)
                   : refuse(call, NULL, "Command \"%s\" is not valid; help lists those that are.", call->operand[0]);
    }
    say(call, "The commands of a Virtual I/O Server; help COMMAND describes one.\n\n");
    for (u32 i = 0; i < ios_commands_len; i++)
        say(call, "  %-14s %s\n", ios_commands[i].name, ios_commands[i].summary);
    return 0;
}

// --- Manual pages

static void tagged(FILE *to, const char *tag, const char *value, const char *text)
{
    fputs(".TP\n\\fB", to);
    roff_text(to, tag);
    fputs("\\fR", to);
    if (*value) {
        fputs(" \\fI", to);
        roff_text(to, value);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    roff_text(to, text);
    fputc('\n', to);
}

static void heading(FILE *to, const char *name, const char *summary)
{
    fputs(".\\\" Made from the tables of vios/admin/; SPDX-License-Identifier: Apache-2.0\n.TH ", to);
    for (const char *p = name; *p; p++)
        fputc(toupper((unsigned char)*p), to);
    fprintf(to, " 1 \"\" \"OpenLPAR %s\" \"User Commands\"\n.SH NAME\n%s \\- ", OPENLPAR_VERSION, name);
    fputc(tolower((unsigned char)*summary), to);
    fprintf(to, "%.*s\n", (int)strlen(summary) - 2, summary + 1);
}

static void man_option(void *context, const struct ios_command *command, const struct form_word *word)
{
    char value[50];
    const char *text = ios_option_help(command->name, word->option);
    snprintf(value, sizeof(value), "%s%s", word->value, word->many ? "..." : "");
    tagged(context, word->option, value, text ? text : "");
}

static void man_command(FILE *to, const struct ios_command *command)
{
    heading(to, command->name, command->summary);
    fputs(".SH SYNOPSIS\n.nf\n", to);
    for (const char *form = command->forms; form; form = next_form(form)) {
        char text[600];
        form_print(form, text, sizeof(text));
        fprintf(to, "\\fB%s\\fR ", command->name);
        roff_text(to, text);
        fputc('\n', to);
    }
    fputs(".fi\n.SH DESCRIPTION\n", to);
    roff_text(to, *command->text ? command->text : command->summary);
    fputs("\n.PP\nA command of the Virtual I/O Server: typed at its shell, given to \\fBviosvrcmd\\fR, or run as "
          "\\fBioscli\\fR \\fICOMMAND\\fR.\n",
          to);
    if (strchr(command->forms, '-'))
        fputs(".SH OPTIONS\n", to);
    each_option(command, man_option, to);
    bool any = false;
    for (u32 i = 0; i < ios_examples_len; i++) {
        if (strcmp(ios_examples[i].command, command->name))
            continue;
        if (!any)
            fputs(".SH EXAMPLES\n", to);
        any = true;
        tagged(to, ios_examples[i].line, "", ios_examples[i].text);
    }
    fputs(".SH EXIT STATUS\n0: done. Otherwise refused, and nothing was changed; the reason is on standard error.\n.SH "
          "SEE ALSO\n.BR ioscli (1),\n.BR viosvrcmd (1)\n",
          to);
}

void ios_manual(FILE *to, const char *command)
{
    if (command) {
        const struct ios_command *found = ios_command_find(command);
        if (found)
            man_command(to, found);
        return;
    }
    heading(to, "ioscli", "Run a command of a Virtual I/O Server.");
    fputs(".SH SYNOPSIS\n.B ioscli\n.RI [\\-\\-system\\~ SYSTEM ]\n.RI [\\-\\-vios\\~ PARTITION ]\n.IR COMMAND\\~ "
          "...\n.SH DESCRIPTION\n"
          "The commands with which a Virtual I/O Server is administered: its disks, volume groups and storage pools, "
          "what it gives to its clients, and its media.\n"
          "In its shell, on the partition's virtual terminal, they are typed with or without \\fBioscli\\fR before "
          "them, and pipes lead to grep, head, tail, wc and sort.\n"
          "A command happens as a whole or not at all.\n.SH COMMANDS\n",
          to);
    for (u32 i = 0; i < ios_commands_len; i++)
        tagged(to, ios_commands[i].name, "", ios_commands[i].summary);
    fputs(".SH FILES\nIn the folder of the server, vios\\-ID beneath the one of its system:\n", to);
    tagged(to, "home/", "", "What backupios and viosbr write and mkvopt reads; cfgbackups/ is in it.");
    tagged(to, "volumes/", "", "The logical volumes on its own disk, a file each.");
    tagged(to, "storagepools/POOL/", "", "The backing devices of a pool of files.");
    tagged(to, "VMLibrary/", "", "The media; an image that is copied there belongs to the library.");
    tagged(to, "physical_volumes", "",
           "Paths of files and block devices, one on each line, that it may use besides those of the profile; cfgdev "
           "looks at them.");
    tagged(to, "import_folders", "", "Paths of folders, one on each line, that mkvopt may read besides home/.");
    fputs(".SH SEE ALSO\n.BR hmc (1),\n.BR openlpar (1)\n", to);
}

// --- Completion

static void complete_option(void *context, const struct ios_command *command, const struct form_word *word)
{
    fprintf(context, " %s", word->option);
}

void ios_names(FILE *to)
{
    for (u32 i = 0; i < ios_commands_len; i++)
        if (!(ios_commands[i].flags & COMMAND_INSIDE))
            fprintf(to, "%s\n", ios_commands[i].name);
}

void ios_completion(FILE *to)
{
    fputs("# Made from the tables of vios/admin/; SPDX-License-Identifier: Apache-2.0\n_ioscli()\n{\n    local i=1 "
          "words commands='",
          to);
    for (u32 i = 0; i < ios_commands_len; i++)
        fprintf(to, "%s%s", i ? " " : "", ios_commands[i].name);
    fputs("'\n    [ \"${COMP_WORDS[0]##*/}\" = ioscli ] || i=0\n"
          "    while [[ $i -gt 0 && ${COMP_WORDS[i]} = --* && $i -lt $COMP_CWORD ]]; do i=$((i + 2)); done\n"
          "    if [ \"$i\" -ge \"$COMP_CWORD\" ] && [ \"$i\" -gt 0 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$commands --system --vios\" -- "
          "\"${COMP_WORDS[COMP_CWORD]}\")\n        return\n    fi\n"
          "    case ${COMP_WORDS[i]##*/} in\n",
          to);
    for (u32 i = 0; i < ios_commands_len; i++) {
        fprintf(to, "    %s) words='", ios_commands[i].name);
        each_option(&ios_commands[i], complete_option, to);
        fputs("' ;;\n", to);
    }
    fputs("    *) words='' ;;\n    esac\n    [ \"${COMP_WORDS[i]}\" != help ] || words=$commands\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\ncomplete -o "
          "default -F _ioscli ioscli",
          to);
    for (u32 i = 0; i < ios_commands_len; i++)
        if (!(ios_commands[i].flags & COMMAND_INSIDE))
            fprintf(to, " %s", ios_commands[i].name);
    fputc('\n', to);
}
