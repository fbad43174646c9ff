// What a program writes to file descriptor 2, by whatever means.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

namespace support {

/// Runs `body` with descriptor 2 going to a file, and returns what came there. For one thread at a time.
inline std::string captured_stderr(const std::function<void()>& body) {
    std::FILE* const file = std::tmpfile();
    if (file == nullptr) throw std::runtime_error{"no temporary file"};
    std::fflush(stderr);
    const int kept = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    body();
    std::fflush(stderr);
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    std::string text;
    std::rewind(file);
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
    static_cast<void>(std::fclose(file));
    return text;
}

}  // namespace support
