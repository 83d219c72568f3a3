complete -c my_du -s B -l block-size -d 'Print units of SIZE' -r
complete -c my_du -l exclude -d 'Pass over what matches the shell pattern PATTERN' -r
complete -c my_du -s X -l exclude-from -d 'Pass over what matches any line of the file LIST' -r
complete -c my_du -l files0-from -d 'Read the DIRs, each ended by NUL, from the file LIST (\'-\': standard input)' -r
complete -c my_du -s d -l max-depth -d 'Print what is at most N levels below a DIR' -r
complete -c my_du -s t -l threshold -d 'Print what is at least SIZE, or, if negative, at most' -r
complete -c my_du -l time -d 'Print the newest time of anything in it: when it was modified, or its atime or ctime' -r
complete -c my_du -l time-style -d 'Print times as full-iso, long-iso, iso, or +FORMAT of date' -r
complete -c my_du -l top -d 'Print the N largest files and directories, the largest first' -r
complete -c my_du -l sort -d 'Print lines by \'size\', the largest first, by \'name\', or by \'time\', the newest first' -r
complete -c my_du -l by -d 'Print a sum for each \'type\' of file, by the ending of its name, or each \'owner\'' -r
complete -c my_du -l include -d 'Count only files whose names match the shell pattern PATTERN' -r
complete -c my_du -l larger -d 'Count only files of at least SIZE' -r
complete -c my_du -l smaller -d 'Count only files of at most SIZE' -r
complete -c my_du -l newer -d 'Count only files that were modified within AGE, or since a day' -r
complete -c my_du -l older -d 'Count only files that were not modified within AGE, or since a day' -r
complete -c my_du -s j -l jobs -d 'At most N child processes at once (default: one for each CPU, more while they wait for a disk)' -r
complete -c my_du -l fork -d '\'each\': a child process for each immediate sub-directory; \'shared\': children that share them (default)' -r
complete -c my_du -s a -l all -d 'Print files too, not only directories'
complete -c my_du -l apparent-size -d 'Print lengths, not the blocks in use'
complete -c my_du -s A -d 'The same'
complete -c my_du -s b -l bytes -d 'Print lengths in bytes'
complete -c my_du -s l -l count-links -d 'Count a file once for each of its names'
complete -c my_du -s L -l dereference -d 'Follow all symbolic links'
complete -c my_du -s D -l dereference-args -d 'Follow symbolic links that are DIRs'
complete -c my_du -s H -d 'The same'
complete -c my_du -s h -l human-readable -d 'Print sizes in powers of 1024, rounded up: 1.1K, 234M'
complete -c my_du -l inodes -d 'Print how many inodes, not how many bytes'
complete -c my_du -s k -d 'Print units of 1024 bytes'
complete -c my_du -s m -d 'Print units of 1024 * 1024 bytes'
complete -c my_du -l si -d 'Print sizes in powers of 1000'
complete -c my_du -s 0 -l null -d 'End each line with NUL, not with a newline'
complete -c my_du -s P -l no-dereference -d 'Follow no symbolic links'
complete -c my_du -s x -l one-file-system -d 'Pass over other file systems'
complete -c my_du -s S -l separate-dirs -d 'Directories do not include their sub-directories'
complete -c my_du -s s -l summarize -d 'Print each DIR only'
complete -c my_du -s c -l total -d 'Print a grand total'
complete -c my_du -l tree -d 'Draw what is at most two levels (or -d N) below a DIR as a tree, the largest first'
complete -c my_du -l reverse -d 'The other way round; by size, if nothing is said'
complete -c my_du -l shared -d 'Print too how much lies in blocks that other files or snapshots use, by reflinks'
complete -c my_du -l json -d 'Print all that is in DIR in the format of ncdu: my_du --json DIR | ncdu -f -'
complete -c my_du -l exclude-caches -d 'Pass over sub-directories that hold a CACHEDIR.TAG'
complete -c my_du -l exclude-kernfs -d 'Pass over /proc, /sys and their like, which hold no files'
complete -c my_du -l exclude-hidden -d 'Pass over what has a name that starts with a point'
complete -c my_du -l disk-usage -d 'Print the blocks in use, not lengths'
complete -c my_du -l help -d 'Print this help'
complete -c my_du -l version -d 'Print the version'
