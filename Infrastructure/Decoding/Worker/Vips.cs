using NetVips;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>libvips, set up for images from strangers: five loaders and no other, no cache, one thread for each image.</summary>
static class Vips
{
    static readonly Lazy<string> started = new(StartOnce);

    /// <summary>The version of the loaded library, such as "8.18.7".</summary>
    public static string Version => started.Value;

    /// <summary>Loads and starts libvips, once for the process; further calls cost nothing.</summary>
    /// <exception cref="InvalidOperationException">It is missing or does not start; the message says so.</exception>
    public static void Start() => _ = started.Value;

    static string StartOnce()
    {
        if (!ModuleInitializer.VipsInitialized)
        {
            var failure = ModuleInitializer.Exception;
            throw new InvalidOperationException($"Images cannot be processed because libvips does not load: {failure.Message}", failure);
        }

        // What is wrong with a stranger's image is not for the log.
        Log.SetLogHandler("VIPS", Enums.LogLevelFlags.Warning, (_, _, _) => { });

        // Two images at once are faster on two cores than two threads on one image, and a stranger's image does not come twice.
        NetVips.NetVips.Concurrency = 1;
        Cache.Max = 0;

        // The second wall behind ImageFormats.Sniff: a class of loaders is blocked with all below it.
        Operation.Block("VipsForeignLoad", true);
        foreach (var format in (string[])["Jpeg", "Png", "Webp", "Nsgif", "Heif"])
            Operation.Block("VipsForeignLoad" + format, false);

        return $"{NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)}.{NetVips.NetVips.Version(2)}";
    }
}
