package badger

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// identify asks the file system who f is.
func identify(f *os.File) (fileID, error) {
	var st unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &st)
	if err != nil {
		return fileID{}, os.NewSyscallError("statx", err)
	}
	id := fileID{Inode: st.Ino}
	if st.Mask&unix.STATX_BTIME != 0 {
		id.Birth = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
	}
	return id, nil
}

// dataFile syncs what was written without the file's times.
type dataFile struct{ *os.File }

// Sync is fdatasync: the ledger's size never changes.
func (f dataFile) Sync() error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR { //nolint:errorlint // an errno of our own call
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// lockFile makes this process the only one that has f.
func lockFile(f *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}

// freeSpace is what an ordinary writer may still take of dir's file system.
func freeSpace(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, os.NewSyscallError("statfs", err)
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}
