using NetVips;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>Configures libvips for strangers' images: only five loaders, no cache, one thread for each image.</summary>
static class Vips
{
    static readonly Lazy<string> started = new(StartOnce);

    /// <summary>The version of the loaded library, such as "8.18.7".</summary>
    public static string Version => started.Value;

    /// <summary>Loads and configures libvips once for the process.</summary>
    /// <exception cref="InvalidOperationException">libvips is missing or does not start.</exception>
    public static void Start() => _ = started.Value;

    static string StartOnce()
    {
        if (!ModuleInitializer.VipsInitialized)
        {
            var failure = ModuleInitializer.Exception;
            throw new InvalidOperationException($"Images cannot be processed because libvips does not load: {failure.Message}", failure);
        }

        // Warnings about a stranger's image do not belong in the log.
        Log.SetLogHandler("VIPS", Enums.LogLevelFlags.Warning, (_, _, _) => { });

        // On two cores, two images at once are faster than two threads for one image. A cache would not help: images do not repeat.
        NetVips.NetVips.Concurrency = 1;
        Cache.Max = 0;

        // The second check after ImageFormats.Sniff. Blocking a class of loaders blocks all of its subclasses.
        Operation.Block("VipsForeignLoad", true);
        foreach (var format in (string[])["Jpeg", "Png", "Webp", "Nsgif", "Heif"])
            Operation.Block("VipsForeignLoad" + format, false);

        return $"{NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)}.{NetVips.NetVips.Version(2)}";
    }
}
