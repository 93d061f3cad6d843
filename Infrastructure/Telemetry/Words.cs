using System.Collections.Concurrent;
using System.Text.Json;

namespace Profiles.Infrastructure.Telemetry;

/// <summary>Names of the code as labels: <c>LocalImages</c> is <c>local_images</c>. Only for names, since each is kept.</summary>
static class Words
{
    static readonly ConcurrentDictionary<string, string> Known = new();

    public static string Of(string name) => Known.GetOrAdd(name, JsonNamingPolicy.SnakeCaseLower.ConvertName);
}
