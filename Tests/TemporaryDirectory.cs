using System.Collections.Concurrent;

namespace Profiles.Tests;

/// <summary>Makes directories that are deleted when the run ends; services in them may outlive the test class that made them.</summary>
static class TemporaryDirectory
{
    static readonly ConcurrentBag<string> Made = [];

    public static void DeleteAll()
    {
        while (Made.TryTake(out var directory))
        {
            if (Directory.Exists(directory))
                Delete(directory);
        }
    }

    // A running service may still write a file.
    static void Delete(string directory)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                Directory.Delete(directory, recursive: true);
                return;
            }
            catch (IOException) when (tries < 40)
            {
                Thread.Sleep(50);
            }
        }
    }

    public static string Make(string name)
    {
        var directory = Directory.CreateTempSubdirectory($"profiles-{name}-").FullName;
        Made.Add(directory);
        return directory;
    }
}
