using System.Reflection;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Settings;

/// <summary>Reads every setting and refuses those that make no sense, before anything is served.</summary>
static class SettingsSetup
{
    const long Mebibyte = 1024 * 1024;

    public static IServiceCollection AddSettings(this IServiceCollection services, IHostEnvironment environment)
    {
        services.AddSection<ServiceOptions>("", o =>
        {
            o.DataDirectory = Path.GetFullPath(o.DataDirectory, environment.ContentRootPath);
            o.PublicBaseUrl = o.PublicBaseUrl?.TrimEnd('/');
        })
            .Check(o => o.PublicBaseUrl is not null || environment.IsDevelopment(), "PublicBaseUrl must be set in every environment but Development: addresses in answers begin with it.")
            .Check(o => !string.IsNullOrWhiteSpace(o.ProductName) && o.ProductName.Length <= 60 && !o.ProductName.Any(char.IsControl), "ProductName must be 1 to 60 characters, none of them a control character.")
            .Check(o => o.BodyTimeout >= TimeSpan.FromSeconds(1) && o.BodyTimeout <= TimeSpan.FromMinutes(10), "BodyTimeout must be between 00:00:01 and 00:10:00.")
            .Check(o => o.AllowedHosts is null || o.AllowedHosts.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Length > 0, "AllowedHosts must be host names, separated by semicolons.")
            .Check(o => ForwardedAddresses.Read(o.TrustedProxies) is not null, "TrustedProxies must be IP addresses, networks such as 10.0.0.0/8 or unix, separated by commas.")
            .Check(o => o.PublicBaseUrl is null || IsOrigin(o.PublicBaseUrl, pathAllowed: true), "PublicBaseUrl must be an http or https address without query.");
        services.AddSection<DatabaseOptions>("Database")
            .Check(o => o.Provider is null || Enum.IsDefined(o.Provider.Value), "Database__Provider must be Sqlite or PostgreSql.")
            .Check(o => o.Timeout >= TimeSpan.FromSeconds(3) && o.Timeout <= TimeSpan.FromMinutes(1) && o.Timeout.Ticks % TimeSpan.TicksPerSecond == 0, "Database__Timeout must be whole seconds between 00:00:03 and 00:01:00.");
        services.AddSection<JwtOptions>("Jwt")
            .Check(o => o.KeyEncryptionKey is null || SigningKeys.Refusal(o.KeyEncryptionKey) is null, "Jwt__KeyEncryptionKey must be at least 32 printable ASCII characters and not a well-known sample.")
            .Check(o => o.SigningKey is null || SigningKeys.Refusal(o.SigningKey) is null, "Jwt__SigningKey must be at least 32 printable ASCII characters and not a well-known sample.")
            .Check(o => o.PreviousSigningKey is null || SigningKeys.Refusal(o.PreviousSigningKey) is null, "Jwt__PreviousSigningKey must be at least 32 printable ASCII characters and not a well-known sample.")
            .Check(o => o.Lifetime >= TimeSpan.FromMinutes(1) && o.Lifetime <= TimeSpan.FromDays(30), "Jwt__Lifetime must be between 00:01:00 and 30.00:00:00.")
            .Check(o => o.Issuer.Length is > 0 and <= 200, "Jwt__Issuer must be 1 to 200 characters.")
            .Check(o => o.Audience.Length is > 0 and <= 200, "Jwt__Audience must be 1 to 200 characters.");
        services.AddSection<SessionsOptions>("Sessions")
            .Check(o => o.RefreshLifetime >= TimeSpan.FromHours(1) && o.RefreshLifetime <= TimeSpan.FromDays(3650), "Sessions__RefreshLifetime must be between 01:00:00 and 3650.00:00:00.")
            .Check(o => o.ReuseWindow >= TimeSpan.Zero && o.ReuseWindow <= TimeSpan.FromHours(1), "Sessions__ReuseWindow must be between 00:00:00 and 01:00:00.")
            .Check(o => o.PerUser is >= 1 and <= 1000, "Sessions__PerUser must be between 1 and 1000.");
        // The tests would spend their time hashing at cost 10.
        var cheapest = environment.IsEnvironment("Testing") ? 4 : 10;
        // The seed's own example password has five characters.
        services.AddSection<PasswordOptions>("Passwords", o =>
        {
            o.MinimumLength ??= environment.IsDevelopment() ? PasswordOptions.LeastMinimumLength : 8;
            o.Blocklist ??= !environment.IsDevelopment();
        })
            .Check(o => o.WorkFactor >= cheapest && o.WorkFactor <= 16, "Passwords__WorkFactor must be between 10 and 16.")
            .Check(o => o.MinimumLength is >= PasswordOptions.LeastMinimumLength and <= 64, "Passwords__MinimumLength must be between 5 and 64.");
        services.AddSection<AccountOptions>("Accounts")
            .Check(o => o.ResetLifetime >= TimeSpan.FromMinutes(5) && o.ResetLifetime <= TimeSpan.FromDays(1), "Accounts__ResetLifetime must be between 00:05:00 and 1.00:00:00.")
            .Check(o => o.VerifyLifetime >= TimeSpan.FromHours(1) && o.VerifyLifetime <= TimeSpan.FromDays(30), "Accounts__VerifyLifetime must be between 01:00:00 and 30.00:00:00.");
        services.AddSection<MailOptions>("Mail")
            .Check(o => o.Host is null || Uri.CheckHostName(o.Host) != UriHostNameType.Unknown, "Mail__Host must be a host name or an address.")
            .Check(o => o.Port is >= 1 and <= 65535, "Mail__Port must be between 1 and 65535.")
            .Check(o => o.Host is null || o.From is not null, "Mail__Host is set: Mail__From must be set too.")
            .Check(o => o.From is null || o.Sender is not null, "Mail__From must be an address such as Profiles <no-reply@example.com>, in ASCII.")
            .Check(o => new[] { o.Password, o.AccessToken, o.AccessTokenFile }.Count(v => v is not null) == (o.Username is null ? 0 : 1),
                "Mail__Username and one of Mail__Password, Mail__AccessToken and Mail__AccessTokenFile must be set together.")
            .Check(o => o.AccessToken is null || o.BearerToken is not null, "Mail__AccessToken must be printable ASCII characters without spaces.")
            .Check(o => o.AccessTokenFile is null || o.BearerToken is not null, "Mail__AccessTokenFile must be a file with an access token.")
            .Check(o => o.Tls is null || Enum.IsDefined(o.Tls.Value), "Mail__Tls must be StartTls, Implicit or None.")
            .Check(o => o.EffectiveTls != MailTls.None || o.Host is null || (o.IsHostHere && o.Username is null),
                "Without TLS (Mail__Tls, Mail__StartTls) Mail__Host must be localhost or a loopback address, and Mail__Username must not be set.")
            .Check(o => o.EhloName is null || (o.EhloName.All(char.IsAscii) && Uri.CheckHostName(o.EhloName) != UriHostNameType.Unknown), "Mail__EhloName must be a host name or an address.")
            .Check(o => o.RootCertificate is null || o.Roots is not null, "Mail__RootCertificate must be a file of certificates in PEM.")
            .Check(o => o.Timeout >= TimeSpan.FromSeconds(1) && o.Timeout <= TimeSpan.FromMinutes(5), "Mail__Timeout must be between 00:00:01 and 00:05:00.")
            .Check(o => o.ResetUrl is null || MailOptions.IsTemplate(o.ResetUrl), "Mail__ResetUrl must be an address with {token} in it, such as https://app.example.com/reset?token={token}.")
            .Check(o => o.VerifyUrl is null || MailOptions.IsTemplate(o.VerifyUrl), "Mail__VerifyUrl must be an address with {token} in it, such as https://app.example.com/verify?token={token}.");
        services.AddOptions<AccountOptions>()
            .Validate<IOptions<MailOptions>>(
                (o, m) => !environment.IsProduction() || !o.RequireVerifiedEmail || m.Value.Host is not null,
                "Accounts__RequireVerifiedEmail needs Mail__Host: nobody could confirm an address without it.");
        services.AddSection<ImagesOptions>("Images", o =>
        {
            o.Directory = Path.GetFullPath(o.Directory, environment.ContentRootPath);
            o.RequireVersion ??= !environment.IsDevelopment();
        })
            .Check(o => o.Storage is null || Enum.IsDefined(o.Storage.Value), "Images__Storage must be Local or Cloudinary.")
            .Check(o => o.MaxBytes is >= 1024 and <= 200 * 1024 * 1024, "Images__MaxBytes must be between 1024 and 209715200.")
            .Check(o => o.MaxPixels is >= 1 and <= 500_000_000, "Images__MaxPixels must be between 1 and 500000000.")
            .Check(o => o.MaxSide is >= 16 and <= 8192, "Images__MaxSide must be between 16 and 8192.")
            .Check(o => o.Workers is >= 1 and <= 256, "Images__Workers must be between 1 and 256.")
            .Check(o => o.WorkerMemory is >= 256 * Mebibyte and <= 64 * 1024 * Mebibyte, "Images__WorkerMemory must be between 268435456 and 68719476736.")
            .Check(o => o.WorkerPictures is >= 1 and <= 1_000_000, "Images__WorkerPictures must be between 1 and 1000000.")
            .Check(o => o.DecodeTimeout >= TimeSpan.FromSeconds(1) && o.DecodeTimeout <= TimeSpan.FromMinutes(5), "Images__DecodeTimeout must be between 00:00:01 and 00:05:00.")
            .Check(o => o.UploadTimeout >= TimeSpan.FromSeconds(1) && o.UploadTimeout <= TimeSpan.FromHours(1), "Images__UploadTimeout must be between 00:00:01 and 01:00:00.")
            .Check(o => o.Grace >= TimeSpan.FromSeconds(1) && o.Grace <= TimeSpan.FromDays(1), "Images__Grace must be between 00:00:01 and 1.00:00:00.")
            .Check(o => o.UploadMemory >= o.MaxBytes + Mebibyte, "Images__UploadMemory must have room for one picture: at least 1 MiB more than Images__MaxBytes.");
        services.AddSection<CloudinaryOptions>("Cloudinary");
        services.AddOptions<CloudinaryOptions>()
            .Configure<IConfiguration>((o, c) => o.Url = c["CLOUDINARY_URL"])
            .Check(o => string.IsNullOrEmpty(o.Url) || o.Account is not null, "CLOUDINARY_URL must look like cloudinary://key:secret@cloud.")
            .Check(o => o.ApiBaseAddress is null || IsOrigin(o.ApiBaseAddress, pathAllowed: false), "Cloudinary__ApiBaseAddress must be an http or https address without path.")
            .Check(o => o.Timeout > TimeSpan.Zero && o.Timeout <= TimeSpan.FromMinutes(5), "Cloudinary__Timeout must be between 00:00:00.001 and 00:05:00.");
        services.AddOptions<ImagesOptions>()
            .PostConfigure<IOptions<CloudinaryOptions>>((o, c) => o.Storage ??= string.IsNullOrEmpty(c.Value.Url) ? ImageStorageKind.Local : ImageStorageKind.Cloudinary)
            .Validate<IOptions<CloudinaryOptions>>((o, c) => o.Storage != ImageStorageKind.Cloudinary || !string.IsNullOrEmpty(c.Value.Url), "Images__Storage is Cloudinary: CLOUDINARY_URL must be set too.")
            .Validate<IOptions<CloudinaryOptions>>((o, c) => o.Storage != ImageStorageKind.Cloudinary || o.Grace > c.Value.Timeout, "Images__Grace must be longer than Cloudinary__Timeout: an upload that is still going on would be taken for left behind.");
        services.AddSection<ExplorerOptions>("OpenApi");
        services.AddSection<LimitsOptions>("Limits").CheckCounts();
        services.AddSection<CrossOriginOptions>("Cors")
            .Check(o => o.List.All(origin => IsOrigin(origin, pathAllowed: false)), "Cors__Origins must be origins such as https://app.example.com, separated by commas.");
        return services;
    }

    // All of them, so that none is forgotten.
    static void CheckCounts(this OptionsBuilder<LimitsOptions> options)
    {
        foreach (var count in typeof(LimitsOptions).GetProperties().Where(p => p.PropertyType == typeof(int)))
            options.Check(o => (int)count.GetValue(o)! is >= 1 and <= LimitsOptions.Most, FormattableString.Invariant($"Limits__{count.Name} must be between 1 and {LimitsOptions.Most}."));
    }

    static bool IsOrigin(string value, bool pathAllowed) =>
        Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            && uri.Query.Length == 0 && uri.Fragment.Length == 0 && (pathAllowed || (uri.AbsolutePath == "/" && !value.EndsWith('/')));

    static OptionsBuilder<T> AddSection<T>(this IServiceCollection services, string section, Action<T>? complete = null) where T : class =>
        services.AddOptions<T>()
            .Configure<IConfiguration>((options, configuration) => Read(options, configuration, section))
            .PostConfigure(options => complete?.Invoke(options))
            .ValidateOnStart();

    static OptionsBuilder<T> Check<T>(this OptionsBuilder<T> options, Func<T, bool> check, string sentence) where T : class =>
        options.Validate(check, sentence);

    // Property by property, because the binder's own message shows the value that it could not convert.
    static void Read<T>(T options, IConfiguration configuration, string section) where T : class
    {
        var values = section.Length == 0 ? configuration : configuration.GetSection(section);
        var properties = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.CanWrite).ToDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);
        if (section.Length > 0 && values.GetChildren().FirstOrDefault(c => !properties.ContainsKey(c.Key)) is { } unknown)
            throw new StartException($"{section}__{unknown.Key} is not a setting.");
        foreach (var property in properties.Values)
        {
            if (values[property.Name] is not { } value)
                continue;
            var name = section.Length == 0 ? property.Name : $"{section}__{property.Name}";
            // Set to nothing where nothing is no default: a variable that was forgotten.
            if (value.Length == 0 && property.GetValue(options) is not "")
                throw new StartException($"{name} is empty.");
            try
            {
                property.SetValue(options, values.GetSection(property.Name).Get(property.PropertyType)
                    ?? throw new StartException($"{name} is empty."));
            }
            catch (InvalidOperationException)
            {
                throw new StartException($"{name} is not a valid value for this setting.");
            }
        }
    }
}
