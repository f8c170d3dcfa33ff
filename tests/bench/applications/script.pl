# SPDX-License-Identifier: Apache-2.0
# Words, counts, substitutions.
use strict;
my (%count, %after, $last);
open my $file, '<', 'text' or die;
while (my $line = <$file>) {
    last if $. > 9000;
    $line =~ s/0x([0-9a-f]+)/hex(substr $1, 0, 6)/ge;
    for my $word ($line =~ /[A-Za-z_]+/g) {
        $count{lc $word}++;
        $after{$last}{$word}++ if defined $last;
        $last = $word;
    }
}
my @words = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print join(' ', map { "$_=$count{$_}" } @words[0 .. 20]), "\n";
my $total = 0;
for my $word (sort keys %after) {
    my @next = sort keys %{ $after{$word} };
    $total += @next * length(join '-', @next) % 97;
}
print "$total\n";
my @fields = map { [split /e/, reverse $_] } @words;
print scalar(grep { @$_ > 2 } @fields), "\n";
