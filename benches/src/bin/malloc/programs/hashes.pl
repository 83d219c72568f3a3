my %h; for my $i (1..300000){ $h{"k$i"}=[ $i, "v" x ($i%50) ]; } my $n=0; for my $k (sort keys %h){ $n+=length $h{$k}[1]; } my @a=map { {a=>$_,b=>"$_"} } 1..200000; print "$n ", scalar(@a), "\n";
