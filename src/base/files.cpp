// SPDX-License-Identifier: MIT
#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "base/fd.h"

namespace netio {
namespace {

namespace fs = std::filesystem;

std::optional<mode_t> mode_of(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return status.st_mode;
}

// 0, or the errno of the write that failed.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return errno;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

// A full disk or a lost server may be reported only by close(2) on network file systems, so its result counts.
int write_and_close(Fd fd, std::string_view text) {
    const int error = write_all(fd.get(), text);
    const int closed = ::close(fd.release());
    return error != 0 || closed == 0 ? error : errno;
}

Unexpected cannot_write(const fs::path& path, int error_number) {
    return fail_errno(fmt::format("cannot write {}", path.string()), error_number,
                      "write to a folder that exists and that you may write to", ExitCode::usage);
}

// A device, pipe or terminal ("/dev/stdout") is written in place: a rename would replace the device itself.
Result<void> write_in_place(const fs::path& path, std::string_view text) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.valid()) {
        return cannot_write(path, errno);
    }
    if (const int error = write_and_close(std::move(fd), text); error != 0) {
        return cannot_write(path, error);
    }
    return {};
}

// Unique among the processes and threads of this machine; a name left behind by a killed process meets O_EXCL.
fs::path temporary_beside(const fs::path& path) {
    static std::atomic<unsigned> serial{0};
    return path.parent_path() / fmt::format(".{}.{}.{}", path.filename().string(), ::getpid(), serial++);
}

Result<void> replace(const fs::path& path, std::string_view text, std::optional<mode_t> mode) {
    const fs::path temporary = temporary_beside(path);
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!fd.valid()) {
        return cannot_write(path, errno);
    }
    int error = 0;
    if (mode && ::fchmod(fd.get(), *mode & 07777) != 0) {
        error = errno;
    }
    if (error == 0) {
        error = write_and_close(std::move(fd), text);
    }
    if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) {
        error = errno;
    }
    if (error != 0) {
        ::unlink(temporary.c_str());
        return cannot_write(path, error);
    }
    return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path) {
    const auto cannot_read = [&path](int error_number) {
        return fail_errno(fmt::format("cannot read {}", path.string()), error_number);
    };
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) {
        return cannot_read(errno);
    }
    std::string text;
    std::array<char, 16384> chunk{};
    while (true) {
        const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cannot_read(errno);
        }
        if (got == 0) {
            return text;
        }
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

Result<void> write_file(const fs::path& path, std::string_view text) {
    const std::optional<mode_t> mode = mode_of(path);
    if (mode && !S_ISREG(*mode)) {
        return write_in_place(path, text);
    }
    // Through a symbolic link the file is replaced, not the link.
    std::error_code unresolved;
    const fs::path target = mode ? fs::canonical(path, unresolved) : path;
    return replace(unresolved ? path : target, text, mode);
}

}  // namespace netio
