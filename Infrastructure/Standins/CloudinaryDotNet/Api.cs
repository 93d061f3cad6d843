using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CloudinaryDotNet.Actions;

namespace CloudinaryDotNet;

/// <summary>Signs the calls and makes them.</summary>
public class Api
{
    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    readonly string cloud;
    readonly string key;
    readonly string secret;

    /// <summary>Takes cloudinary://key:secret@cloud.</summary>
    public Api(string cloudinaryUrl)
    {
        if (cloudinaryUrl?.StartsWith("cloudinary://", StringComparison.OrdinalIgnoreCase) != true)
            throw new ArgumentException("Invalid CLOUDINARY_URL scheme. Expecting to start with 'cloudinary://'");
        var url = new Uri(cloudinaryUrl);
        if (url.UserInfo.Split(':') is not [var name, var password, ..] || url.Host == "")
            throw new ArgumentException("CLOUDINARY_URL must be cloudinary://key:secret@cloud");
        (cloud, key, secret) = (url.Host, name, password);
    }

    public string ApiBaseAddress { get; set; } = "https://api.cloudinary.com";

    /// <summary>Milliseconds for a whole call that was given no token; 0 leaves it to the client.</summary>
    public int Timeout { get; set; }

    /// <summary>What the calls go through; replace it to set limits.</summary>
    public HttpClient Client { get; set; } = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    /// <summary>Hex SHA-1 over the parameters in the order that they come in, and the secret.</summary>
    public string SignParameters(IDictionary<string, object> parameters)
    {
        var signed = parameters
            .Where(p => p.Value is not null && p.Key is not ("file" or "api_key" or "resource_type"))
            .Select(p => $"{p.Key}={p.Value.ToString()!.Replace("&", "%26", StringComparison.Ordinal)}");
        return Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(string.Join('&', signed) + secret)));
    }

    internal async Task<T> CallAsync<T>(string action, BaseParams given, CancellationToken? cancellationToken)
        where T : BaseResult
    {
        ArgumentNullException.ThrowIfNull(given);
        given.Check();
        var parameters = given.ToParamsDictionary();
        parameters.Add("timestamp", TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        parameters.Add("signature", SignParameters(parameters));
        parameters.Add("api_key", key);

        // Its boundary is another one each time: a file cannot contain it on purpose.
        using var content = new MultipartFormDataContent();
        foreach (var (name, value) in parameters)
            content.Add(Part(name, value));
        using var deadline = cancellationToken is null && Timeout > 0 ? new CancellationTokenSource(Timeout) : null;
        var url = new Uri($"{ApiBaseAddress.TrimEnd('/')}/v1_1/{cloud}/image/{action}");
        using var response = await Client.PostAsync(url, content, cancellationToken ?? deadline?.Token ?? CancellationToken.None);
        var result = await ReadAsync<T>(response);
        result.StatusCode = response.StatusCode;
        return result;
    }

    internal async Task<T> CallAdminAsync<T>(string path, SortedDictionary<string, object> parameters, CancellationToken? cancellationToken)
        where T : BaseResult
    {
        var query = string.Join('&', parameters.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value.ToString()!)}"));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{ApiBaseAddress.TrimEnd('/')}/v1_1/{cloud}/{path}?{query}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{key}:{secret}")));
        using var deadline = cancellationToken is null && Timeout > 0 ? new CancellationTokenSource(Timeout) : null;
        using var response = await Client.SendAsync(request, cancellationToken ?? deadline?.Token ?? CancellationToken.None);
        var result = await ReadAsync<T>(response);
        result.StatusCode = response.StatusCode;
        return result;
    }

    static HttpContent Part(string name, object value)
    {
        HttpContent part = value is FileDescription file ? new StreamContent(file.Stream) : new StringContent(value.ToString()!);
        part.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data")
        {
            Name = $"\"{name}\"",
            FileNameStar = (value as FileDescription)?.FileName,
        };
        return part;
    }

    static async Task<T> ReadAsync<T>(HttpResponseMessage response)
    {
        Exception? reason = null;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            if (await JsonSerializer.DeserializeAsync<T>(body, Json) is { } result)
                return result;
        }
        catch (JsonException notJson)
        {
            reason = notJson;
        }
        // A plain Exception as in the real one: who catches less would find out too late.
        throw new Exception($"Failed to deserialize response with status code: {response.StatusCode}", reason);
    }
}
